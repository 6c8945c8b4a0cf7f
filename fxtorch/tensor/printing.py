"""How a Tensor prints: torch's layout, digits and line breaks."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from jax.core import Tracer

from fxtorch.ops import dtypes as rules
from fxtorch.tensor import dtype as types
from fxtorch.tensor.gone import Gone
from fxtorch.tensor.meta import Abstract
from fxtorch.tensor.modes import modes
from fxtorch.tensor.overriding import overrider
from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.tensor import Tensor, method, unwrap, wrap


@dataclasses.dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


options = _Options()
_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how Tensors print.

    Args:
        precision: digits after the point.
        threshold: the number of elements from which on the middle is left out.
        edgeitems: how many items are then shown at each end.
        linewidth: characters a line.
        profile: ``"default"``, ``"short"`` or ``"full"``, applied first.
        sci_mode: whether to use scientific notation; None decides by the values.
    """
    own = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen: dict[str, Any] = dict(_PROFILES[profile]) if profile else {}
    chosen |= {key: value for key, value in own.items() if value is not None}
    for key, value in chosen.items():
        setattr(options, key, value)
    options.sci_mode = sci_mode


class _Formatter:
    """Chooses one number format for all the elements that will be shown."""

    def __init__(self, shown: np.ndarray) -> None:
        self.floating = rules.is_float(shown.dtype)
        self.integral = self.scientific = False
        if not self.floating:
            self.width = max((len(str(v)) for v in shown.ravel().tolist()), default=1)
            return
        values = shown.astype(np.float64).ravel()
        finite = np.abs(values[np.isfinite(values) & (values != 0)])
        self.width = 1
        if finite.size == 0:
            self.integral = True
        else:
            low, high = finite.min(), finite.max()
            self.integral = bool(np.all(finite == np.ceil(finite)))
            limits = high / low > 1000.0 or high > 1.0e8
            self.scientific = limits or (not self.integral and low < 1.0e-4)
        if options.sci_mode is not None:
            self.scientific = options.sci_mode
        decisive = values[np.isfinite(values) & (values != 0)].tolist()
        self.width = max((len(self(v)) for v in decisive), default=1)

    def __call__(self, value: Any) -> str:
        if not self.floating:
            text = str(value)
        elif self.scientific:
            text = f"{value:.{options.precision}e}"
        elif self.integral:
            text = f"{value:.0f}" + ("." if math.isfinite(value) else "")
        else:
            text = f"{value:.{options.precision}f}"
        return text.rjust(self.width)


class _Complex:
    def __init__(self, shown: Any) -> None:
        self.real, self.imag = _Formatter(shown.real), _Formatter(shown.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: complex) -> str:
        imag = self.imag(value.imag).lstrip()
        return self.real(value.real) + (imag if imag.startswith("-") else f"+{imag}") + "j"


def _edges(a: np.ndarray) -> np.ndarray:
    """The elements that a summary shows."""
    n = options.edgeitems
    for axis in range(a.ndim):
        if a.shape[axis] > 2 * n:
            a = np.concatenate([a.take(range(n), axis), a.take(range(a.shape[axis] - n, a.shape[axis]), axis)], axis)
    return a


def _row(a: np.ndarray, indent: int, fmt: Any, summarize: bool) -> str:
    items = a.tolist()
    n = options.edgeitems
    cells = [fmt(v) for v in items] if not (summarize and len(items) > 2 * n) else None
    if cells is None:
        cells = [fmt(v) for v in items[:n]] + [" ..."] + [fmt(v) for v in items[-n:]]
    per_line = max(1, (options.linewidth - indent) // (fmt.width + 2))
    lines = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
    return "[" + f",\n{' ' * (indent + 1)}".join(lines) + "]"


def _block(a: np.ndarray, indent: int, fmt: Any, summarize: bool) -> str:
    if a.ndim == 0:
        return fmt(a.item())
    if a.ndim == 1:
        return _row(a, indent, fmt, summarize)
    n = options.edgeitems
    if summarize and a.shape[0] > 2 * n:
        parts = [_block(x, indent + 1, fmt, summarize) for x in a[:n]] + ["..."]
        parts += [_block(x, indent + 1, fmt, summarize) for x in a[-n:]]
    else:
        parts = [_block(x, indent + 1, fmt, summarize) for x in a]
    return "[" + ("," + "\n" * (a.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _sparse_text(tensor: Tensor, stored: Stored) -> str:
    parts = {
        "coo": ["indices"], "csr": ["crow_indices", "col_indices"], "csc": ["ccol_indices", "row_indices"],
    }[stored.layout]  # fmt: skip
    named = zip([*parts, "values"], [*stored.indices, stored.values], strict=True)
    lines = [f"{name}=" + to_text(wrap(x)).replace("\n", "\n" + " " * (len(name) + 8)) for name, x in named]
    text = "tensor(" + ",\n       ".join(lines)
    facts = [f"size={stored.shape}", f"nnz={stored.indices[-1].shape[-1]}"]
    facts += [] if types.of(stored.dtype) is types.of(rules.default_float()) else [f"dtype={tensor.dtype}"]
    facts.append(f"layout={tensor.layout}")
    if tensor.grad_fn is not None:
        facts.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        facts.append("requires_grad=True")
    if stored.layout == "coo":
        text, facts = text + ",\n       " + facts[0], facts[1:]
    return _join(text, facts, 7)


def to_text(tensor: Tensor, prefix: str = "tensor(") -> str:
    """The text torch prints for ``tensor``."""
    array = unwrap(tensor)
    if isinstance(array, Stored):
        return _sparse_text(tensor, array)
    dtype = tensor.dtype
    suffixes = []
    if isinstance(array, Abstract):
        body, plain = "...", dtype is types.of(rules.default_float())
        suffixes += ["device='meta'", f"size={tuple(array.shape)}", *([] if plain else [f"dtype={dtype}"])]
    elif isinstance(array, Tracer | Gone):
        if modes.capture is not None:
            modes.capture.side("print")
        body = f"<traced, shape={tuple(array.shape)}>"
        suffixes.append(f"dtype={dtype}")
    else:
        values = np.asarray(array)
        if values.size == 0:
            body = "[]"
            if values.ndim != 1:
                suffixes.append(f"size={tuple(values.shape)}")
        else:
            summarize = values.size > options.threshold
            shown = _edges(values) if summarize else values
            body = _block(values, len(prefix), (_Complex if dtype.is_complex else _Formatter)(shown), summarize)
        default = types.of(rules.default_float())
        plain = dtype in (default, types.int64, types.bool) or dtype is default.to_complex()
        if not plain or (values.size == 0 and dtype is not default):
            suffixes.append(f"dtype={dtype}")
        if tensor.device.type != "cpu":
            suffixes.insert(0, f"device='{tensor.device}'")
    node = tensor.grad_fn
    if node is not None:
        suffixes.append(f"grad_fn=<{node.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return _join(prefix + body, suffixes, len(prefix))


def _join(text: str, suffixes: list[str], indent: int) -> str:
    length = len(text) - text.rfind("\n") - 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > options.linewidth:
            text += ",\n" + " " * indent + suffix
            length = indent + len(suffix)
        else:
            text += ", " + suffix
            length += len(suffix) + 2
    return text + ")"


@method
def __repr__(self: Tensor, *, tensor_contents: Any = None) -> str:
    """torch's text of a Tensor; one of a class that says what operators do to it bears the name of that class."""
    return to_text(self, "tensor(" if overrider(type(self)) is None else f"{type(self).__name__}(")
