"""From what PyTorch's module and optimizer databases hold to ours, and which samples a run takes."""

from __future__ import annotations

import dataclasses
import datetime
import zlib
from typing import Any

import numpy as np
import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="compares with PyTorch's own test databases")

RTOL, ATOL = 1.3e-6, 1e-5  # PyTorch's own for float32


def turn(config: pytest.Config) -> int:
    """The number of the part that a run takes which is not whole: another one each day, or that of ``--turn``."""
    given = config.getoption("--turn", default=None)
    return datetime.date.today().toordinal() if given is None else given


def sample(request: pytest.FixtureRequest, name: str, items: list[Any], keep: int) -> list[tuple[int, Any]]:
    """``items`` with their positions: all of them with ``--whole``, else ``keep`` of them in turn."""
    numbered = list(enumerate(items))
    if request.config.getoption("--whole", default=False) or len(numbered) <= keep:
        return numbered
    start = zlib.crc32(name.encode()) + turn(request.config)
    picked = {(start + k * len(numbered) // keep) % len(numbered) for k in range(keep)}
    return [numbered[i] for i in sorted(picked)]


def in_sample(request: pytest.FixtureRequest, name: str, share: int) -> None:
    """Skip all but one in ``share`` names, unless the whole is asked for; it is another one's turn each day."""
    if (
        not request.config.getoption("--whole", default=False)
        and (zlib.crc32(name.encode()) + turn(request.config)) % share
    ):
        pytest.skip("not in today's part; --whole runs it")


class Translation:
    """From torch's values to ours: the same object becomes the same object.

    >>> import torch
    >>> Translation()([torch.tensor([1.0]), {"dtype": torch.int64}])
    [tensor([1.]), {'dtype': torch.int64}]
    """

    def __init__(self) -> None:
        self.made: dict[int, Any] = {}
        self.held: list[Any] = []  # an id is a name only while its object lives

    def __call__(self, value: Any) -> Any:
        """What ``value`` is in fxtorch.

        Raises:
            TypeError: nothing here knows.
        """
        if id(value) not in self.made:
            self.held.append(value)
            self.made[id(value)] = self._translate(value)
        return self.made[id(value)]

    def _translate(self, value: Any) -> Any:
        if isinstance(value, torch.nn.utils.rnn.PackedSequence):
            return fxtorch.nn.utils.rnn.PackedSequence(*(self(part) for part in value))
        if isinstance(value, torch.Tensor) and value.layout == torch.sparse_coo:
            return fxtorch.sparse_coo_tensor(tensor(value._indices()), tensor(value._values()), tuple(value.shape))
        if isinstance(value, torch.Tensor):
            made = tensor(value)
            made = fxtorch.nn.Parameter(made) if isinstance(value, torch.nn.Parameter) else made
            made.requires_grad_(value.requires_grad)
            made.grad = self(value.grad) if value.is_leaf and value.grad is not None else None
            return made
        if isinstance(value, list | tuple):
            return type(value)(self(v) for v in value)
        if isinstance(value, dict):
            return {key: self(v) for key, v in value.items()}
        if isinstance(value, torch.dtype | torch.device):
            return fxtorch.device(str(value)) if isinstance(value, torch.device) else _named(str(value))
        if isinstance(value, torch.nn.LinearCrossEntropyOptions):
            parts = {f.name: self(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return fxtorch.nn.LinearCrossEntropyOptions(**parts)
        if isinstance(value, torch.nn.TransformerEncoderLayer):
            return _encoder_layer(value)
        if callable(value):
            home = fxtorch.nn.functional if hasattr(fxtorch.nn.functional, value.__name__) else fxtorch
            return getattr(home, value.__name__)
        if value is None or isinstance(value, bool | int | float | complex | str):
            return value
        raise TypeError(f"no translation of {type(value)}")


def tensor(value: Any) -> Any:
    """A torch Tensor's values as a Tensor of ours."""
    return fxtorch.tensor(value.detach().contiguous().numpy().copy())


def _named(name: str) -> Any:
    return getattr(fxtorch, name.removeprefix("torch."))


def _encoder_layer(layer: Any) -> Any:
    attention, first = layer.self_attn, layer.linear1
    ours = fxtorch.nn.TransformerEncoderLayer(
        attention.embed_dim,
        attention.num_heads,
        first.out_features,
        layer.dropout.p,
        getattr(fxtorch.nn.functional, layer.activation.__name__),
        layer.norm1.eps,
        attention.batch_first,
        layer.norm_first,
        first.bias is not None,
    )
    ours.load_state_dict(state(layer))
    return ours


def leaves(value: Any, double: bool = False, made: dict[int, Any] | None = None) -> Any:
    """Arguments of torch's with its Tensors as new leaves; with ``double`` the float32 ones as float64."""
    made = {} if made is None else made
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return type(value)(leaves(value.data, double, made), *value[1:])
    if isinstance(value, torch.Tensor):
        if id(value) not in made:
            wide = double and value.dtype == torch.float32
            copied = value.detach().clone().to(torch.float64 if wide else value.dtype)
            made[id(value)] = copied.requires_grad_(value.requires_grad)
        return made[id(value)]
    if isinstance(value, list | tuple):
        return type(value)(leaves(v, double, made) for v in value)
    if isinstance(value, dict):
        return {key: leaves(v, double, made) for key, v in value.items()}
    return value


def state(module: Any) -> dict[str, Any]:
    """The state_dict of a torch module, as one of ours."""
    return {name: tensor(value) for name, value in module.state_dict().items()}


def tensors(value: Any) -> list[Any]:
    """The Tensors in arguments or results, each once, in order."""
    found: dict[int, Any] = {}

    def look(v: Any) -> None:
        if isinstance(v, dict):
            v = tuple(v.values())
        if isinstance(v, list | tuple):
            for part in v:
                look(part)
        elif isinstance(v, torch.Tensor | fxtorch.Tensor):
            found.setdefault(id(v), v)

    look(value)
    return list(found.values())


def difference(ours: Any, theirs: Any, *, rtol: float = RTOL, atol: float = ATOL) -> str:
    """In what ``ours`` differs from torch's, or nothing."""
    if (ours is None) != (theirs is None):
        return f"{'None' if ours is None else 'a Tensor'} where torch has {'None' if theirs is None else 'a Tensor'}"
    if theirs is None:
        return ""
    if str(ours.dtype) != str(theirs.dtype) or tuple(ours.shape) != tuple(theirs.shape):
        return f"{ours.dtype} {tuple(ours.shape)} where torch has {theirs.dtype} {tuple(theirs.shape)}"
    a, b = ours.detach().numpy(), theirs.detach().resolve_conj().numpy()
    if np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True):
        return ""
    return f"off by {distance(a, b):.3g}"


def distance(a: Any, b: Any) -> float:
    """The largest difference of two arrays; infinite where one alone is NaN or infinite."""
    with np.errstate(invalid="ignore"):
        apart = np.where(a == b, 0, np.abs(np.subtract(a, b, dtype=np.result_type(a, b, 1.0))))
        apart = np.where(np.isnan(a) & np.isnan(b), 0, apart)
    return float(np.max(np.nan_to_num(apart, nan=np.inf), initial=0))
