"""What torch asks a Tensor and is always answered alike here, and the few methods that go through Python or storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from fxtorch.tensor import construction, dispatch, overriding
from fxtorch.tensor.conversion import concrete
from fxtorch.tensor.errors import type_name
from fxtorch.tensor.meta import is_meta
from fxtorch.tensor.modes import modes
from fxtorch.tensor.size import Size
from fxtorch.tensor.tensor import Tensor, method, unwrap, unwrap_aval

_NEVER = {
    "is_quantized": "quantized",
    "is_mkldnn": "in oneDNN's layout",
    "is_nested": "nested",
    "is_mps": "on Apple's GPU",
    "is_xpu": "on Intel's GPU",
    "is_ipu": "on an IPU",
    "is_maia": "on Maia",
    "is_mtia": "on MTIA",
    "is_vulkan": "on Vulkan",
    "is_xla": "torch_xla's",
}
for _name, _what in _NEVER.items():
    setattr(Tensor, _name, property(lambda self: False, doc=f"False: no Tensor is {_what}."))


Tensor.is_meta = property(is_meta, doc="Whether it is on the ``meta`` device, without values.")  # type: ignore[attr-defined]


def _always(name: str, value: Any, doc: str) -> None:
    def answer(self: Tensor) -> Any:
        return value

    answer.__doc__, answer.__name__ = doc, name
    setattr(Tensor, name, answer)


_always("is_conj", False, "False: conjugation is computed at once.")
_always("is_neg", False, "False: negation is computed at once.")
_always("is_distributed", False, "False, as torch's.")
_always("is_pinned", False, "False: JAX stages transfers on its own.")
_always("is_shared", False, "False: no memory is shared between processes.")


@method
def is_inference(self: Tensor) -> bool:
    """Whether it was made in inference mode, or is a view of one that was."""
    return self._inference


@method
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same memory with the same shape."""
    return self.data_ptr() == tensor.data_ptr() and self.shape == tensor.shape


@method
def data_ptr(self: Tensor) -> int:
    """Where its first element lies, laid out as ``stride()`` says, until it or its base is next changed in place.

    Views at offset 0 of one Tensor, and no others, have it in common; it is 0 where there are no values. While a
    function is compiled, or where an array lies on several devices, it is a number that names the Tensor only.
    """
    base = self if self._base is None else self._base
    if is_meta(base):
        return 0
    array = unwrap(base)
    whole = isinstance(array, jax.Array) and not isinstance(array, Tracer) and len(array.devices()) == 1
    start = array.block_until_ready().unsafe_buffer_pointer() if whole else id(array)
    return start + self.storage_offset() * self.element_size()


@method
def dim_order(self: Tensor) -> tuple[int, ...]:
    """The dimensions from the outermost in memory to the innermost."""
    strides = self.stride()
    return tuple(sorted(range(self.ndim), key=lambda d: -strides[d]))


@method
def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """The sum over all dimensions that broadcasting ``size`` to this shape would add or stretch.

    Raises:
        RuntimeError: ``size`` does not broadcast to this shape.
    """
    wanted = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    extra = self.ndim - len(wanted)
    if extra < 0 or any(n not in (1, m) for n, m in zip(wanted, self.shape[extra:], strict=True)):
        raise RuntimeError(f"size {{{list(wanted)}}} is not expandable to size {{{list(self.shape)}}}.")
    if not wanted:
        return self.sum()
    out = self.sum(dim=tuple(range(extra))) if extra else self
    ones = tuple(i for i, n in enumerate(wanted) if n == 1 and out.shape[i] != 1)
    return out.sum(dim=ones, keepdim=True) if ones else out


@method
def as_subclass(self: Tensor, cls: type) -> Any:
    """The same memory, as a Tensor of class ``cls``, in the graph where this one is."""
    return overriding.as_subclass(self, cls)


@method
def new(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """A new Tensor of this type: of a size, or of values."""
    if len(args) == 1 and not isinstance(args[0], int | Size):
        return construction.tensor(args[0], dtype=self.dtype)
    shape = args[0] if args and isinstance(args[0], Size) else args or (0,)
    return self.new_empty(shape)


# --- element by element in Python: slow, on values only ---------------------------------------------------------------


def _mapped(name: str, count: int) -> None:
    def in_place(self: Tensor, *others: Any) -> Tensor:
        fn: Callable[..., Any] = others[-1]
        if len(others) != count:
            raise TypeError(f"{name}() takes {count} arguments, got {len(others)}")
        arrays = [np.asarray(concrete(t, f".{name}()")) for t in (self, *others[:-1])]
        shape, dtype = arrays[0].shape, arrays[0].dtype
        arrays = [np.broadcast_to(a, shape) for a in arrays]
        values = [fn(*(x.item() for x in row)) for row in zip(*(a.reshape(-1) for a in arrays), strict=True)]
        if self.requires_grad and modes.grad:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
            )
        self._rebind(unwrap(construction.tensor(np.asarray(values, dtype).reshape(shape))))
        return self

    in_place.__name__ = name
    in_place.__doc__ = f"Replace each element by what a Python function makes of it and its {count - 1} partners."
    setattr(Tensor, name, in_place)


_mapped("apply_", 1)
_mapped("map_", 2)
_mapped("map2_", 3)


# --- size and storage -------------------------------------------------------------------------------------------------


@method
def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Change the shape in place: the elements stay in order; there are fewer, or zeros are added."""
    shape = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    flat, count = unwrap(self).reshape(-1), int(np.prod(shape, dtype=np.int64))
    values = flat[:count] if count <= flat.size else jnp.pad(flat, (0, count - flat.size))
    self._rebind(values.reshape(shape), cut=True)
    return self


@method
def resize_as_(self: Tensor, tensor: Tensor, memory_format: Any = None) -> Tensor:
    """:meth:`resize_` to the shape of ``tensor``."""
    return self.resize_(tensor.shape)


def typename(obj: Any) -> str:
    """The name of the type of ``obj``: ``torch.FloatTensor`` for a Tensor."""
    if isinstance(obj, Tensor):
        return f"torch.{type_name(unwrap_aval(obj).dtype)}Tensor"
    cls = obj if isinstance(obj, type) else type(obj)
    return cls.__qualname__ if cls.__module__ in (None, "builtins") else f"{cls.__module__}.{cls.__qualname__}"


def functions() -> dict[str, Callable[..., Any]]:
    """Methods that are functions too, and ``view_copy``, ``t_copy`` ...: a view operator whose result is a copy."""
    same = "detach_ get_device is_conj is_inference is_neg is_same_size resize_as_ zero_"
    found = {name: getattr(Tensor, name) for name in same.split()}
    views = (
        "as_strided detach diagonal expand permute select slice split split_with_sizes squeeze t transpose unbind "
        "unfold unsqueeze view view_as_complex view_as_real"
    )
    for name in views.split():
        if hasattr(Tensor, name):
            found[f"{name}_copy"] = _copied(name, getattr(Tensor, name))
    return found


def _copied(name: str, view: Callable[..., Any]) -> Callable[..., Any]:
    def copy(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        seen = view(input, *args, **kwargs)
        copied = tuple(t.clone() for t in seen) if isinstance(seen, tuple | list) else seen.clone()
        return copied if out is None else dispatch.into(out, copied)

    copy.__name__, copy.__doc__ = f"{name}_copy", f"``{name}`` as a copy."
    return copy
