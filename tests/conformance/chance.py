"""Operators that draw: they are compared by distribution, on a large draw of both libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import stats

import fxtorch
from tests.conformance.compare import Differs, flat
from tests.conformance.convert import Arguments, numpy_of

# Memory that nobody wrote: type and shape are all there is to compare.
UNDEFINED = frozenset("empty empty_like empty_strided empty_permuted new_empty new_empty_strided resize_".split())

# Those whose samples may draw; whether one does is seen by calling PyTorch again.
_DRAWING = frozenset(
    """cauchy exponential geometric log_normal normal uniform randn randn_like rand_like randint randint_like
    multinomial bernoulli nn.functional.dropout nn.functional.dropout2d nn.functional.dropout3d
    nn.functional.alpha_dropout nn.functional.feature_alpha_dropout nn.functional.rrelu
    nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
    nn.functional.scaled_dot_product_attention nn.functional.multi_head_attention_forward svd_lowrank
    pca_lowrank""".split()
)
_MULTIPLIES = frozenset({"nn.functional.dropout", "nn.functional.dropout2d", "nn.functional.dropout3d"})
_N = 20_000
_LEAST = 1e-3  # the probability under which two draws count as different

Draw = Callable[[Any], Any]


def _functional(name: str, *shape: int, **kwargs: Any) -> Draw:
    return lambda lib: getattr(lib.nn.functional, name)(lib.ones(*shape), **kwargs)


def _pooled(name: str, *sizes: int) -> Draw:
    """A pooled ramp: where the regions begin, seen by the largest value of each."""

    def draw(lib: Any) -> Any:
        ramp = lib.arange(float(np.prod(sizes))).reshape(1, 1, *sizes).expand(500, 1, *sizes).contiguous()
        return getattr(lib.nn.functional, name)(ramp, 2, output_size=tuple(s // 3 for s in sizes))

    return draw


CHANCE: dict[str, Draw] = {
    "cauchy": lambda lib: lib.empty(_N).cauchy_(1.0, 2.0),
    "exponential": lambda lib: lib.empty(_N).exponential_(2.0),
    "geometric": lambda lib: lib.empty(_N).geometric_(0.3),
    "log_normal": lambda lib: lib.empty(_N).log_normal_(0.5, 0.7),
    "normal[in_place]": lambda lib: lib.empty(_N).normal_(1.0, 2.0),
    "normal": lambda lib: lib.normal(lib.linspace(0, 3, _N), lib.linspace(1, 2, _N)),
    "normal[number_mean]": lambda lib: lib.normal(1.5, lib.linspace(1, 2, _N)),
    "uniform": lambda lib: lib.empty(_N).uniform_(-1.0, 3.0),
    "randn": lambda lib: lib.randn(_N),
    "randn_like": lambda lib: lib.randn_like(lib.zeros(_N)),
    "rand_like": lambda lib: lib.rand_like(lib.zeros(_N)),
    "randint": lambda lib: lib.randint(-3, 9, (_N,)),
    "randint_like": lambda lib: lib.randint_like(lib.zeros(_N), 2, 11),
    "multinomial": lambda lib: lib.multinomial(lib.tensor([0.1, 0.0, 0.5, 0.4]), _N, replacement=True),
    "bernoulli": lambda lib: lib.bernoulli(lib.linspace(0, 1, _N)),
    "nn.functional.dropout": _functional("dropout", _N, p=0.3),
    "nn.functional.dropout2d": _functional("dropout2d", 100, _N // 100, 2, 2, p=0.3),
    "nn.functional.dropout3d": _functional("dropout3d", 100, _N // 100, 2, 1, 2, p=0.3),
    "nn.functional.alpha_dropout": _functional("alpha_dropout", _N, p=0.3, training=True),
    "nn.functional.feature_alpha_dropout[with_train]": _functional(
        "feature_alpha_dropout", 100, _N // 100, 2, p=0.3, training=True
    ),
    "nn.functional.rrelu": lambda lib: lib.nn.functional.rrelu(-lib.ones(_N), 0.1, 0.6, training=True),
    "nn.functional.fractional_max_pool2d": _pooled("fractional_max_pool2d", 9, 12),
    "nn.functional.fractional_max_pool3d": _pooled("fractional_max_pool3d", 6, 9, 6),
}


def is_random(entry: Any, arguments: Arguments) -> bool:
    """Whether PyTorch gives another result when it is called again."""
    if entry.info.name not in _DRAWING:
        return False
    first, *others = (_call(entry, arguments, seed) for seed in range(6))
    return any(not torch.equal(a, b) for other in others for a, b in zip(first, other, strict=True))


def _call(entry: Any, arguments: Arguments, seed: int) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    args, kwargs = arguments.of_torch(arguments.fresh(grad=False))
    return [t for t in flat(arguments.process(entry.theirs(*args, **kwargs))) if isinstance(t, torch.Tensor)]


def drawn(ours: Any, name: str) -> None:
    """The gradient belongs to the draw that was made: dropout multiplies both alike.

    Raises:
        Differs: it does not, or there is none.
    """
    wanted = [t for t in ours.tensors if t.requires_grad]
    (result, *_) = flat(ours())
    (found, *_) = fxtorch.autograd.grad(result, wanted, fxtorch.ones_like(result), allow_unused=True)
    if found is None or not np.isfinite(numpy_of(found)).all():
        raise Differs("no finite gradient")
    if name in _MULTIPLIES and not np.allclose(numpy_of(found) * numpy_of(wanted[0]), numpy_of(result), atol=1e-5):
        raise Differs("the gradient belongs to another draw")


def same_distribution(name: str) -> None:
    """Compare a large draw of both libraries by the two-sample Kolmogorov-Smirnov test.

    Raises:
        Differs: they are improbably far apart.
    """
    draws = []
    for library in (torch, fxtorch):
        library.manual_seed(0)
        draws.append(np.round(numpy_of(CHANCE[name](library)).ravel(), 4))  # ties stay ties
    test: Any = stats.ks_2samp(*draws)
    if test.pvalue < _LEAST:
        raise Differs(f"another distribution: the Kolmogorov-Smirnov distance is {test.statistic:.3f}")
