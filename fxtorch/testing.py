"""torch.testing: comparing Tensors as PyTorch's own tests do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fxtorch.tensor import Tensor, construction
from fxtorch.tensor import dtype as types
from fxtorch.tensor.generator import default_generator

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise unless ``|actual - expected| <= atol + rtol |expected|`` for all elements.

    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))

    Args:
        actual: a Tensor, a number, or sequences and mappings of them.
        expected: the same, as it should be.
        allow_subclasses: whether Tensors of different classes are compared.
        rtol: relative tolerance; by default the type's (float32: 1.3e-6, float64: 1e-7), given together with
        atol: absolute tolerance (float32: 1e-5, float64: 1e-7).
        equal_nan: whether NaN equals NaN.
        check_device: whether the devices must be the same.
        check_dtype: whether the types must be the same.
        check_layout: accepted; there is one layout.
        check_stride: whether the strides must be the same.
        msg: what to say instead, or a function of what would be said.

    Raises:
        AssertionError: they are not close, or differ in shape, type, length or keys.
        ValueError: only one tolerance is given.
        TypeError: they cannot be compared.
    """
    if (rtol is None) != (atol is None):
        raise ValueError(
            f"rtol and atol must both be specified or both be unspecified, but got rtol={rtol} and atol={atol} instead."
        )
    options = {
        "rtol": rtol, "atol": atol, "equal_nan": equal_nan, "check_device": check_device, "check_dtype": check_dtype,
        "check_stride": check_stride, "allow_subclasses": allow_subclasses,
    }  # fmt: skip
    found = _difference(actual, expected, (), options)
    if found is not None:
        text, path = found
        if path:
            text += f"\n\nThe failure occurred for item {''.join(f'[{p!r}]' for p in path)}"
        raise AssertionError(msg(text) if callable(msg) else text if msg is None else msg)


assert_allclose = assert_close


def _difference(
    actual: Any, expected: Any, path: tuple[Any, ...], o: dict[str, Any]
) -> tuple[str, tuple[Any, ...]] | None:
    """What is different, and where; None if nothing is."""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if set(actual) != set(expected):
            missing, extra = [k for k in expected if k not in actual], [k for k in actual if k not in expected]
            return (
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(missing)}\nAdditional keys in the actual mapping: "
                f"{sorted(extra)}",
                path,
            )
        pairs = [(k, actual[k], expected[k]) for k in expected]
    elif _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path
        pairs = list(zip(range(len(actual)), actual, expected, strict=True))
    else:
        text = _of_leaves(actual, expected, o)
        return None if text is None else (text, path)
    for key, a, e in pairs:
        found = _difference(a, e, (*path, key), o)
        if found is not None:
            return found
    return None


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str)


def _of_leaves(actual: Any, expected: Any, o: dict[str, Any]) -> str | None:
    if actual is None and expected is None:
        return None
    numbers = isinstance(actual, bool | int | float | complex) and isinstance(expected, bool | int | float | complex)
    if numbers and type(actual) is not type(expected) and isinstance(actual, bool) | isinstance(expected, bool):
        return f"Booleans mismatch: {actual} is not {expected}"
    if (
        not numbers
        and type(actual) is not type(expected)
        and not (o["allow_subclasses"] and _both_tensors(actual, expected))
    ):
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")
    try:
        a, e = (construction.as_tensor(x, dtype=_wide(x) if numbers else None) for x in (actual, expected))
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
        ) from error
    if a.shape != e.shape:
        return f"The values for attribute 'shape' do not match: {a.shape} != {e.shape}."
    if o["check_device"] and a.device != e.device:
        return f"The values for attribute 'device' do not match: {a.device} != {e.device}."
    if o["check_dtype"] and a.dtype != e.dtype and not numbers:
        return f"The values for attribute 'dtype' do not match: {a.dtype} != {e.dtype}."
    if o["check_stride"] and a.stride() != e.stride():
        return f"The values for attribute 'stride()' do not match: {a.stride()} != {e.stride()}."
    if o["rtol"] is None:
        pairs = [_TOLERANCES.get(t.dtype.name, (0.0, 0.0)) for t in (a, e)]
        rtol, atol = max(p[0] for p in pairs), max(p[1] for p in pairs)
    else:
        rtol, atol = o["rtol"], o["atol"]
    return _of_values(_array(a), _array(e), rtol, atol, o["equal_nan"], numbers, (actual, expected))


def _both_tensors(a: Any, b: Any) -> bool:
    return isinstance(a, Tensor) and isinstance(b, Tensor)


def _wide(x: Any) -> types.dtype:
    kind = type(x)
    return (
        types.bool
        if kind is bool
        else types.int64
        if kind is int
        else types.float64
        if kind is float
        else types.complex128
    )


def _array(t: Tensor) -> np.ndarray:
    values = np.asarray(t.detach().numpy())
    return values if values.dtype.kind in "biufc" else values.astype(np.float32)


def _of_values(
    a: np.ndarray, e: np.ndarray, rtol: float, atol: float, equal_nan: bool, numbers: bool, given: tuple[Any, Any]
) -> str | None:
    exact = rtol == 0 and atol == 0
    with np.errstate(all="ignore"):
        if a.dtype.kind in "biu" and e.dtype.kind in "biu" and exact:
            close = a == e
        else:
            close = np.isclose(a, e, rtol=rtol, atol=atol, equal_nan=equal_nan)
        if close.all():
            return None
        wide = np.result_type(a.dtype, e.dtype, np.uint8)
        distance = np.abs(a.astype(wide) - e.astype(wide))
        relative = np.asarray(distance / np.abs(e.astype(wide)))
        relative = relative.astype(np.float32) if wide.kind in "iu" and not numbers else relative
    bound_abs, bound_rel = (f" (up to {t} allowed)" for t in (atol, rtol))
    word = "equal" if exact else "close"
    if numbers:
        lines = [f"{'Booleans mismatch' if isinstance(given[0], bool) else f'Scalars are not {word}'}!", ""]
        lines += [
            f"Expected {given[1]} but got {given[0]}.",
            f"Absolute difference: {distance.item()}{'' if exact else bound_abs}",
        ]
        return "\n".join([*lines, f"Relative difference: {relative.item()}{'' if exact else bound_rel}"])
    off = int((~close).sum())
    lines = [
        f"Tensor-likes are not {word}!",
        "",
        f"Mismatched elements: {off} / {close.size} ({100 * off / close.size:.1f}%)",
    ]
    for name, value, bound in (("absolute", distance, bound_abs), ("relative", relative, bound_rel)):
        value = np.where(close, 0, value) if value.ndim else np.asarray(value)
        worst = np.unravel_index(int(np.argmax(value)), value.shape) if value.ndim else ()
        place = f" at index {tuple(int(i) for i in worst)}" if value.ndim else ""
        lines.append(f"Greatest {name} difference: {value[worst].item()}{place}{'' if exact else bound}")
    return "\n".join(lines)


def make_tensor(
    *shape: Any,
    dtype: types.dtype,
    device: Any = "cpu",
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A Tensor of random values between ``low`` and ``high``: by default -9 to 9, booleans, or 0 to 9 unsigned.

    >>> torch.testing.make_tensor(2, 3, dtype=torch.float32).shape
    torch.Size([2, 3])
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    kind = np.dtype(dtype.np).kind
    random = np.random.default_rng(np.asarray(default_generator.draw()))
    if kind == "b":
        values = random.integers(0, 2, sizes).astype(bool)
    elif kind in "iu":
        values = random.integers(
            0 if low is None and kind == "u" else int(-9 if low is None else low),
            int(10 if high is None else high),
            sizes,
        )
    else:
        bounds = (-9.0 if low is None else low, 9.0 if high is None else high)
        values = random.uniform(*bounds, sizes)
        if dtype.is_complex:
            values = values + 1j * random.uniform(*bounds, sizes)
    if exclude_zero:
        values = np.where(values == 0, 1, values)
    return construction.tensor(np.asarray(values), dtype=dtype, device=device, requires_grad=requires_grad)
