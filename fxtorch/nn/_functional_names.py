"""The names of ``torch.nn.functional`` that are forms of others, or serve TorchScript and ``__torch_function__``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fxtorch.overrides import (
    handle_torch_function,
    has_torch_function,
    has_torch_function_unary,
    has_torch_function_variadic,
)
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace

_table = namespace("nn.functional")

GRID_SAMPLE_INTERPOLATION_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
GRID_SAMPLE_PADDING_MODES = {"zeros": 0, "border": 1, "reflection": 2}


class _Broadcast:
    """``BroadcastingList2[int]``: an int, or a list of two."""

    def __getitem__(self, kind: Any) -> None:
        return None


BroadcastingList1, BroadcastingList2, BroadcastingList3 = _Broadcast(), _Broadcast(), _Broadcast()


def assert_int_or_pair(arg: Any, arg_name: str, message: str) -> None:
    """Raise unless ``arg`` is an int or has two items.

    Raises:
        AssertionError: it is neither; the text is ``message`` with the name in it.
    """
    if not isinstance(arg, int) and len(arg) != 2:
        raise AssertionError(message.format(arg_name))


def boolean_dispatch(
    arg_name: str,
    arg_index: int,
    default: bool,
    if_true: Callable[..., Any],
    if_false: Callable[..., Any],
    module_name: str,
    func_name: str,
) -> Callable[..., Any]:
    """One of two functions, by the value of the boolean argument that both have."""

    def chosen(*args: Any, **kwargs: Any) -> Any:
        flag = args[arg_index] if arg_index < len(args) else kwargs.get(arg_name, default)
        return (if_true if flag else if_false)(*args, **kwargs)

    chosen.__name__, chosen.__doc__ = func_name, if_true.__doc__
    return chosen


def _with_indices(name: str, pool: Callable[..., Any]) -> Callable[..., Any]:
    def pooled(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        return pool(*args, **{**kwargs, "return_indices": True})

    pooled.__name__ = pooled.__qualname__ = f"{name}_with_indices"
    pooled.__doc__ = f"The maxima of :func:`{name}`, and where they are."
    return pooled


def forms(fractional: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    """All of these names; ``fractional`` are the pools that are no operators of the table."""
    pools = {n: _table[n] for k in "123" for n in (f"max_pool{k}d", f"adaptive_max_pool{k}d")} | fractional
    found: dict[str, Any] = {f"{n}_with_indices": _with_indices(n, pool) for n, pool in pools.items()}
    listed = (handle_torch_function, has_torch_function, has_torch_function_unary, has_torch_function_variadic)
    found |= {f.__name__: f for f in (*listed, assert_int_or_pair, boolean_dispatch)}
    names = ("GRID_SAMPLE_INTERPOLATION_MODES", "GRID_SAMPLE_PADDING_MODES")
    names += ("BroadcastingList1", "BroadcastingList2", "BroadcastingList3")
    return found | {n: globals()[n] for n in names}
