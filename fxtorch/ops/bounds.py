"""What is checked about values, not shapes, before an operator runs eagerly: indexes, probabilities, ranges.

A compiled program cannot raise: out of range it would read or write something else, silently.  So before an eager call
of an operator named in :data:`CHECKS` its check runs on the arguments.  Values that are traced, or that live on an
accelerator, are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from fxtorch.ops.checks import wrap_dim
from fxtorch.ops.dtypes import is_complex, is_float

Arguments = Mapping[str, Any]

CHECKS: dict[str, Callable[[Arguments], None]] = {}
"""For the name of an operator: what looks at its arguments, by parameter name, and raises."""


OF_OPTIONS = {"div"}
"""Those whose check looks at nothing where every option is as by default: such a call may take the short way."""


def on_host(x: Any) -> np.ndarray | None:
    """The values of ``x`` where they can be read without a transfer, else ``None``."""
    if isinstance(x, Tracer):
        return None
    if isinstance(x, jax.Array) and next(iter(x.devices())).platform != "cpu":
        return None
    return np.asarray(x)


def out_of_bounds(index: int, dim: int, size: int) -> str:
    """torch's words for a position that a dimension does not have."""
    return f"index {index} is out of bounds for dimension {dim} with size {size}"


def outside(index: Any, low: int, high: int) -> int | None:
    """An entry of ``index`` that is not in ``[low, high)``, if there is one and it can be seen."""
    seen = on_host(index)
    if seen is None or seen.size == 0:
        return None
    if seen.max() >= high:
        return int(seen.max())
    return int(seen.min()) if seen.min() < low else None


def check_index_bounds(index: Any, size: int, dim: int = 0) -> None:
    """Raise torch's error where an entry of ``index`` is not in ``[-size, size)``.

    >>> check_index_bounds(np.array([0, -3]), 3)
    >>> check_index_bounds(np.array([5]), 3)
    Traceback (most recent call last):
    IndexError: index 5 is out of bounds for dimension 0 with size 3
    """
    bad = outside(index, -size, size)
    if bad is not None:
        raise IndexError(out_of_bounds(bad, dim, size))


def _size(a: Arguments) -> tuple[int, int]:
    """The dimension ``dim`` of ``input``, counted from the front, and its size."""
    dim = wrap_dim(a["dim"], a["input"].ndim)
    return dim, (*a["input"].shape, 1)[dim]


def _along_dim(error: type[Exception], words: str = "", *, negative: bool = False, name: str = "index") -> Any:
    def check(a: Arguments) -> None:
        dim, size = _size(a)
        bad = outside(a[name], -size if negative else 0, size)
        if bad is not None:
            raise error(words or out_of_bounds(bad, dim, size))

    return check


def _flat(a: Arguments) -> None:
    size = a["input"].size
    bad = outside(a["index"], -size, size)
    if bad is not None:
        raise IndexError(f"out of range: tried to access index {bad} on a tensor of {size} elements.")


def _select(a: Arguments) -> None:
    if a["input"].ndim == 0:
        return
    dim, size = _size(a)
    bad = outside(a["index"], -size, size)
    if bad is not None:
        shape = list(a["input"].shape)
        raise IndexError(f"select(): index {bad} out of range for tensor of size {shape} at dimension {dim}")


def _narrow(a: Arguments) -> None:
    start = on_host(a["start"])
    if start is None or start.ndim or not -a["input"].ndim <= a["dim"] < a["input"].ndim:
        return  # the operator itself says what is wrong
    begin, (_, size) = int(start), _size(a)
    if not -size <= begin <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but got {begin})")
    begin += size if begin < 0 else 0
    if begin + a["length"] > size:
        raise RuntimeError(f"start ({begin}) + length ({a['length']}) exceeds dimension size ({size}).")


def _embedding(a: Arguments) -> None:
    if a["weight"].ndim and outside(a["input"], 0, a["weight"].shape[0]) is not None:
        raise IndexError("index out of range in self")


def _classes(a: Arguments) -> None:
    if jax.numpy.issubdtype(a["target"].dtype, jax.numpy.floating):
        return
    target = on_host(a["target"])
    if target is None:
        return
    bad = outside(target[target != a["ignore_index"]], 0, a["input"].shape[min(a["input"].ndim - 1, 1)])
    if bad is not None:
        raise IndexError(f"Target {bad} is out of bounds.")


def _one_hot(a: Arguments) -> None:
    seen = on_host(a["input"])
    if seen is None or seen.size == 0:
        return
    if seen.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if a["num_classes"] > 0 and seen.max() >= a["num_classes"]:
        raise RuntimeError("Class values must be smaller than num_classes.")


def _limits(name: str, holds: Callable[[Any], Any], words: str) -> Callable[[Arguments], None]:
    """A check that all values of the argument ``name`` satisfy ``holds``; ``words`` may show it as ``{value}``."""

    def check(a: Arguments) -> None:
        seen = None if a[name] is None else on_host(a[name])
        if seen is not None and not np.all(holds(seen)):
            raise RuntimeError(words.format(value=seen))

    return check


def _probabilities(a: Arguments) -> None:
    seen = on_host(a["input"])
    if seen is None:
        return
    if not np.all((seen >= 0) & (seen < np.inf)):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if np.any(seen.sum(-1) <= 0):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


def _uniform(a: Arguments) -> None:
    low, high = on_host(a["from_"]), on_host(a["to"])
    if low is not None and high is not None and low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}")


def _segments(a: Arguments) -> None:
    lengths = None if a["lengths"] is None or a["unsafe"] else on_host(a["lengths"])
    if lengths is None:
        return
    if (lengths < 0).any():
        raise RuntimeError("segment_reduce(): lengths contains negative value!")
    if (lengths.sum(-1) != a["data"].shape[lengths.ndim - 1]).any():
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when "
            "!unsafe."
        )


def _ordered(low: str, high: str, error: type[Exception], words: str) -> Callable[[Arguments], None]:
    """A check that one number is not above another."""

    def check(a: Arguments) -> None:
        least, most = on_host(a[low]), on_host(a[high])
        if least is not None and most is not None and least > most:
            raise error(words)

    return check


def _weights(a: Arguments) -> None:
    for name in ("fweights", "aweights"):
        seen = None if a[name] is None else on_host(a[name])
        if seen is not None and (seen < 0).any():
            raise RuntimeError(f"cov(): {name} cannot be negative")


def _margin(a: Arguments) -> None:
    margin = on_host(a["margin"])
    if margin is not None and margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")


def _fill_value(a: Arguments) -> None:
    value: Any = on_host(a["value"])
    dtype = a["input"].dtype
    if value is None or value.ndim or is_complex(dtype) or dtype == np.bool_:
        return
    fits = value.imag == 0
    if fits and not is_float(dtype):
        limits = np.iinfo(dtype)
        fits = limits.min <= value.real <= limits.max
    if not fits:
        raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")


def _divisor(a: Arguments) -> None:
    if any(not jax.numpy.issubdtype(jax.numpy.result_type(a[name]), np.integer) for name in ("input", "other")):
        return
    seen = on_host(a["other"])
    if seen is not None and not seen.all():
        raise RuntimeError("ZeroDivisionError")


def _rounded_divisor(a: Arguments) -> None:
    if a["rounding_mode"] is not None:
        _divisor(a)


def _padding(a: Arguments) -> None:
    value = None if a["value"] is None or a["mode"] == "constant" else on_host(a["value"])
    if value is not None and value.any():
        raise ValueError(f'Padding mode "{a["mode"]}" doesn\'t take in value argument')


def _in_unit(x: Any) -> Any:
    return (x >= 0) & (x <= 1)


def _quantiles(a: Arguments) -> None:
    q = a["q"]
    seen = on_host(q)
    if hasattr(q, "dtype"):
        if q.dtype != a["input"].dtype:
            raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
        if seen is not None and not np.all(_in_unit(seen)):
            raise RuntimeError("quantile() q values must be in the range [0, 1]")
    elif seen is not None and not _in_unit(seen):
        raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q:g}")


CHECKS.update(
    {
        "select": _select,
        "select_scatter": _select,
        "narrow": _narrow,
        "narrow_copy": _narrow,
        "take": _flat,
        "put": _flat,
        "index_select": _along_dim(IndexError, "index out of range in self"),
        "gather": _along_dim(RuntimeError),
        "scatter": _along_dim(RuntimeError),
        "scatter_add": _along_dim(RuntimeError),
        "scatter_reduce": _along_dim(RuntimeError),
        "index_add": _along_dim(RuntimeError),
        "index_copy": _along_dim(IndexError),
        "index_fill": _along_dim(IndexError, negative=True),
        "index_reduce": _along_dim(IndexError),
        "embedding": _embedding,
        "embedding_bag": _embedding,
        "cross_entropy": _classes,
        "nll_loss": _classes,
        "one_hot": _one_hot,
        "hardtanh": _ordered("min_val", "max_val", ValueError, "min_val cannot be greater than max_val"),
        "rrelu": _ordered(
            "lower", "upper", RuntimeError, "Lower bound should be less than or equal to the upper bound"
        ),
        "softshrink": _limits("lambd", lambda x: x >= 0, "lambda must be greater or equal to 0, but found {value}"),
        "cauchy": _limits("sigma", lambda x: x > 0, "cauchy_ expects sigma > 0.0, but found sigma={value}"),
        "masked_fill": _fill_value,
        "div": _rounded_divisor,
        "floor_divide": _divisor,
        "pad": _padding,
        "remainder": _divisor,
        "fmod": _divisor,
        "cov": _weights,
        "triplet_margin_loss": _margin,
        "bernoulli": _limits("input", _in_unit, "Expected p_in >= 0 && p_in <= 1 to be true, but got false."),
        "Tensor.bernoulli_": _limits("p", _in_unit, "bernoulli_ expects p to be in [0, 1], but got p={value}"),
        "binary_cross_entropy": _limits("input", _in_unit, "all elements of input should be between 0 and 1"),
        "multinomial": _probabilities,
        "quantile": _quantiles,
        "nanquantile": _quantiles,
        "poisson": _limits("input", lambda x: x >= 0, "invalid Poisson rate, expected rate to be non-negative"),
        "normal": _limits("std", lambda x: x >= 0, "normal expects all elements of std >= 0.0"),
        "Tensor.normal_": _limits("std", lambda x: x >= 0, "normal expects std >= 0.0, but found std {value}"),
        "log_normal": _limits("std", lambda x: x > 0, "log_normal_ expects std > 0.0, but found std={value}"),
        "exponential": _limits("lambd", lambda x: x > 0, "exponential_ expects lambda > 0.0, but found lambda={value}"),
        "geometric": _limits(
            "p", lambda x: (x > 0) & (x < 1), "geometric_ expects p to be in (0, 1), but got p={value}"
        ),
        "uniform": _uniform,
        "segment_reduce": _segments,
    }
)
