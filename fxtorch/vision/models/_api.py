"""Models by name, and their published weights.

The weights are those of torchvision, under its names; a checkpoint is looked for where PyTorch keeps it, then fetched.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from enum import Enum
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from fxtorch import nn
from fxtorch.serialization import load
from fxtorch.vision._download import fetch, matches
from fxtorch.vision.models._weights import PUBLISHED
from fxtorch.vision.transforms._presets import (
    ImageClassification,
    ObjectDetection,
    SemanticSegmentation,
    VideoClassification,
)

HOST = "https://download.pytorch.org/models/"
_PRESETS = {
    "classify": ImageClassification,
    "segment": SemanticSegmentation,
    "detect": ObjectDetection,
    "film": VideoClassification,
}

_builders: dict[str, Callable[..., nn.Module]] = {}
_weights: dict[str, type[WeightsEnum]] = {}


class Weights(NamedTuple):
    """A published checkpoint.

    Attributes:
        url: where it is published.
        transforms: makes what a picture must go through before the model sees it.
        meta: what else is known: ``name``, ``num_classes``, ``crop_size``.
    """

    url: str
    transforms: Callable[..., Any]
    meta: dict[str, Any]


class WeightsEnum(Enum):
    """The published checkpoints of one model."""

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """``obj`` as a member: itself, one by its name (``"DEFAULT"``, ``"ResNet18_Weights.DEFAULT"``), or None.

        Raises:
            TypeError: it is a checkpoint of another model.
            ValueError: there is none of that name.
        """
        if isinstance(obj, str):
            name = obj.removeprefix(f"{cls.__name__}.")
            if name not in cls.__members__:
                raise ValueError(f"{cls.__name__} has no member {name!r}; there are {', '.join(cls.__members__)}")
            return cls[name]
        if obj is not None and not isinstance(obj, cls):
            raise TypeError(
                f"Invalid Weight class provided; expected {cls.__name__} but received {type(obj).__name__}."
            )
        return obj

    @property
    def url(self) -> str:
        """Where it is published."""
        return self.value.url

    @property
    def transforms(self) -> Callable[..., Any]:
        """Makes what a picture must go through before the model sees it."""
        return self.value.transforms

    @property
    def meta(self) -> dict[str, Any]:
        """What else is known: ``num_classes``, ``crop_size``."""
        return self.value.meta

    def get_state_dict(self, progress: bool = True, check_hash: bool = False) -> dict[str, Any]:
        """The checkpoint, from where PyTorch keeps it (``~/.cache/torch/hub/checkpoints``), else downloaded there.

        Args:
            progress: accepted.
            check_hash: also check the digest that its name carries of a file that is there already.

        Raises:
            RuntimeError: it is not there and cannot be downloaded.
        """
        name = self.url.rpartition("/")[2]
        path = checkpoints() / name
        digest = name.rpartition(".")[0].rpartition("-")[2]
        if not matches(path, sha256=digest if check_hash else None):
            fetch([self.url], path, sha256=digest)
        return load(path, map_location="cpu", weights_only=True)


def checkpoints() -> Path:
    """Where PyTorch keeps downloaded checkpoints: under ``$TORCH_HOME``, else ``~/.cache/torch``."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")) / "hub" / "checkpoints"


def weights(name: str) -> Any:
    """The enumeration ``name`` of the table of published checkpoints."""
    members: dict[str, Weights] = {}
    for member, file, preset, options, classes in PUBLISHED[name]:
        transforms = functools.partial(_PRESETS[preset], **options)
        meta = {"name": member, "num_classes": classes, "crop_size": options.get("crop_size")}
        members[member] = Weights(f"{HOST}{file}", transforms, meta)
    members["DEFAULT"] = next(reversed(members.values()))  # listed last
    found: Any = WeightsEnum(name, members, module=__name__)  # type: ignore[call-overload]
    _weights[name] = found
    return found


def builder(
    published: Any = None,
    *,
    prepare: Callable[[dict[str, Any], nn.Module], dict[str, Any]] | None = None,
    with_weights: Callable[[dict[str, Any]], dict[str, Any]] = lambda meta: {},
    backbone: Any = None,
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Make a function of a model's options into a builder that takes weights, and register it.

    Args:
        published: the model's checkpoints; None where none were published.
        prepare: ``prepare(state, model)`` changes a published state dict into one for the model.
        with_weights: from a checkpoint's ``meta`` to the options that are then the default.
        backbone: for a model with a backbone, the checkpoint that ``weights_backbone=`` is unless given.

    The builder's arguments:
        weights: a member of ``published``, its name, or None for weights drawn at random.
        progress: accepted.
        **kwargs: the model's options; ``pretrained=True`` is the old way to ask for weights.
    """

    def decorate(build: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        @functools.wraps(build)
        def made(weights: Any = None, progress: bool = True, **kwargs: Any) -> nn.Module:
            if "pretrained" in kwargs:
                weights = "DEFAULT" if kwargs.pop("pretrained") else weights
            if isinstance(weights, bool):
                weights = "DEFAULT" if weights else None
            if weights is not None and published is None:
                raise ValueError(f"no weights of {build.__name__} were published")
            chosen = None if published is None else published.verify(weights)
            if backbone is not None:
                below = kwargs.pop("weights_backbone", backbone if kwargs.pop("pretrained_backbone", True) else None)
                kwargs["weights_backbone"] = None if chosen is not None else type(backbone).verify(below)
            if chosen is None:
                return build(**kwargs)
            state = chosen.get_state_dict(progress=progress, check_hash=True)
            classes = chosen.meta["num_classes"]
            if classes and kwargs.setdefault("num_classes", classes) != classes:
                raise ValueError(
                    f"The parameter 'num_classes' expected value {classes} but got {kwargs['num_classes']}."
                )
            model = build(**with_weights(chosen.meta) | kwargs)
            model.load_state_dict(state if prepare is None else prepare(state, model))
            return model

        _builders[build.__name__] = made
        made.published = published  # type: ignore[attr-defined]
        return made

    return decorate


def list_models(module: Any = None, include: Iterable[str] | str | None = None, exclude: Any = None) -> list[str]:
    """The names of the models, in order.

    Args:
        module: only those that this module defines.
        include: only those that match one of these patterns (``"resnet*"``).
        exclude: none that matches one of these.
    """
    names = [n for n, fn in _builders.items() if module is None or fn.__module__.startswith(module.__name__)]
    wanted, unwanted = ([p] if isinstance(p, str) else p for p in (include, exclude))
    if wanted is not None:
        names = [n for n in names if any(fnmatch(n, p) for p in wanted)]
    if unwanted is not None:
        names = [n for n in names if not any(fnmatch(n, p) for p in unwanted)]
    return sorted(names)


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """The function that builds the model of that name.

    Raises:
        ValueError: there is none.
    """
    if name.lower() not in _builders:
        raise ValueError(f"Unknown model {name.lower()}")
    return _builders[name.lower()]


def get_model(name: str, **config: Any) -> nn.Module:
    """The model of that name; ``config`` goes to its builder.

    >>> get_model("squeezenet1_1", num_classes=10).classifier[1]
    Conv2d(512, 10, kernel_size=(1, 1), stride=(1, 1))
    """
    return get_model_builder(name)(**config)


def get_model_weights(name: str | Callable[..., Any]) -> Any:
    """The enumeration of a model's checkpoints."""
    fn: Any = get_model_builder(name) if isinstance(name, str) else name
    return fn.published


def get_weight(name: str) -> WeightsEnum:
    """A checkpoint by its full name, such as ``"ResNet50_Weights.IMAGENET1K_V2"``.

    Raises:
        ValueError: there is none.
    """
    enum, _, member = name.partition(".")
    if enum not in _weights or member not in _weights[enum].__members__:
        raise ValueError(f"Unknown weights {name}; expected something like ResNet50_Weights.DEFAULT")
    return _weights[enum][member]
