"""What the arguments of ``Module.to`` mean."""

from __future__ import annotations

from typing import Any

from fxtorch.tensor import Tensor
from fxtorch.tensor.device import device as Device
from fxtorch.tensor.dtype import dtype as DType


def parse_to(
    *args: Any,
    device: Any = None,
    dtype: DType | None = None,
    tensor: Tensor | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> tuple[Any, DType | None]:
    """The device and the type that ``to(*args, ...)`` asks for, None where it does not say.

    Args:
        *args: a device, a type, a Tensor that has both, or a device and a type; then ``non_blocking`` and ``copy``.
        device: the device by keyword.
        dtype: the type by keyword.
        tensor: a Tensor by keyword.
        non_blocking: accepted; JAX's transfers do not block.
        copy: accepted; arrays are values.
        memory_format: accepted; XLA chooses the layout.

    Raises:
        TypeError: something else was given.
    """
    for arg in args:
        if isinstance(arg, bool) or arg is None:
            continue
        if isinstance(arg, Tensor):
            tensor = arg
        elif isinstance(arg, DType):
            dtype = arg
        elif isinstance(arg, str | int | Device):
            device = arg
        else:
            raise _invalid(arg)
    if dtype is not None and not isinstance(dtype, DType):
        raise _invalid(dtype)
    if tensor is not None:
        return tensor.device, tensor.dtype
    return None if device is None else Device(device), dtype


def _invalid(arg: Any) -> TypeError:
    return TypeError(
        f"to() received an invalid combination of arguments - got ({type(arg).__name__}), but expected a device, "
        "a dtype, a Tensor, or a device and a dtype"
    )
