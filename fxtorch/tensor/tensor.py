"""Tensor: a mutable handle on an immutable jax.Array.

This file holds the state of a Tensor and the few ways to change it.  Its methods come from the table of operators
(``dispatch.py``) and from the files that each add one group of them with :func:`method`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import jax
from jax._src.array import ArrayImpl
from jax.core import Tracer
from jax.interpreters.partial_eval import DynamicJaxprTracer

from fxtorch.ops import dtypes as rules
from fxtorch.tensor import device as devices
from fxtorch.tensor import dtype as types
from fxtorch.tensor.checking import user_line
from fxtorch.tensor.handles import Hooks
from fxtorch.tensor.holders import holder_of
from fxtorch.tensor.modes import modes
from fxtorch.tensor.size import Size
from fxtorch.tensor.structure import structure
from fxtorch.tensor.tape import Node
from fxtorch.tensor.tracing import traces

if TYPE_CHECKING:
    from fxtorch.tensor.views import Link

F = TypeVar("F", bound=Callable[..., Any])


class Tensor:
    """A multi-dimensional array with torch's methods, that can record what is done to it.

    ``Tensor(2, 3)`` makes an uninitialised float Tensor, ``Tensor([1, 2])`` one of the values; ``fxtorch.tensor`` is
    the usual way to make one.

    >>> import fxtorch as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    # Class attributes are the defaults of what most Tensors never set; making a Tensor then sets one attribute.
    _data: Any
    _rg: bool = False
    _node: Node | None = None
    _index: int = 0
    _grad: Tensor | None = None
    if TYPE_CHECKING:
        _link: Link | None
    _link = None  # not annotated: views.py is above this file, and get_type_hints looks the names up
    _cell: list[Any] | None = None  # [changes of content, torch's version, *who left], shared by a base and its views
    _hooks: Hooks | None = None
    _post_hooks: Hooks | None = None
    _resident: Any = None  # what holds the array of a Tensor without _data (resident.py)
    _inference: bool = False  # made in inference mode
    _lent: bool = False  # made by unflattening a pytree: a change of it would be lost
    name: str | None = None
    retains_grad: bool = False

    if TYPE_CHECKING:  # the methods that the table of operators and the sibling files add

        def __getattr__(self, name: str) -> Any: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __len__(self) -> int: ...
        def __iter__(self) -> Any: ...
        def __float__(self) -> float: ...
        def __int__(self) -> int: ...
        def __index__(self) -> int: ...

    # --- what it is -----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return Size(unwrap_aval(self).shape)

    @property
    def dtype(self) -> types.dtype:
        """The element type."""
        return types.of(unwrap_aval(self).dtype)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(unwrap_aval(self).shape)

    @property
    def device(self) -> devices.device:
        """Where the values are."""
        return devices.of(self._data)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded."""
        if self._link is not None:
            unwrap(self)
        return self._rg

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if modes.capture is not None:
            modes.capture.touch(self)
        if not value and self._node is not None:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                "in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if value and not rules.is_inexact(unwrap_aval(self).dtype):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        if value and self._inference and not modes.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self._rg = bool(value)
        structure.changed()

    @property
    def grad_fn(self) -> Node | None:
        """The step of the graph that made it; None for a leaf."""
        if self._link is not None:
            unwrap(self)
        return None if self._node is None else self._node.named()

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.grad_fn is None

    @property
    def output_nr(self) -> int:
        """Which output of ``grad_fn`` it is."""
        return self._index

    @property
    def _version(self) -> int:
        """How often it was changed in place."""
        if self._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        if modes.capture is not None:
            raise modes.capture.needs_value(self, "_version")
        return version_of(self)

    @property
    def _base(self) -> Tensor | None:
        """For a view, the Tensor whose memory it shares."""
        link = self._link
        if link is None or link.detached:
            return None
        return link.parent if link.parent._base is None else link.parent._base

    @property
    def grad(self) -> Any:
        """The accumulated gradient, a Tensor, or None; typed so that ``t.grad.norm()`` needs no assertion."""
        if modes.capture is not None:
            modes.capture.touch_grad(self)
        grad = self._grad
        if grad is not None and isinstance(grad._data, Tracer):  # reading takes the values of a compiled step
            traces.wait()
            grad = self._grad
        return grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
            if value.dtype != self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype}' to a tensor with dtype "
                    f"'{self.dtype}'. The gradient must match the tensor's dtype"
                )
        if modes.capture is not None:
            modes.capture.write_grad(self)
        self._set_grad(value)

    def _set_grad(self, value: Tensor | None) -> None:
        """Set ``.grad``, unchecked."""
        old = self._grad
        if old is not None and old._resident is not None and old is not value:
            if modes.capture is None:
                old._resident.drop(old)
            else:
                old._data  # noqa: B018  (it comes back after the trace)
        if value is None:
            self.__dict__.pop("_grad", None)
        else:
            self._grad = value

    @property
    def data(self) -> Tensor:
        """An alias outside of the graph; assigning replaces the values."""
        return self._alias(versioned=False)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.requires_grad and not (value.is_floating_point() or value.is_complex()):
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        root = value
        while root._link is not None:
            root = root._link.parent
        array = unwrap(value)
        if root is not self or root._data is not array:
            if modes.capture is None:
                self._leave_memory()
            self._rebind(array, versioned=False, cut=True)
            if value._link is not None and root is not self:
                self._link, self._cell = value._alias(versioned=False)._link, value._cell
                structure.changed()

    # --- how it changes -------------------------------------------------------------------------------------------

    def _rebind(
        self, array: Any, node: Node | None = None, index: int = 0, *, versioned: bool = True, cut: bool = False
    ) -> None:
        """Make it a handle on ``array``: the one place where a Tensor changes.

        Args:
            array: the new values.
            node: the recorded call that made them; None leaves the graph as it is.
            index: which output of ``node``.
            versioned: whether torch's version counter sees it.
            cut: leave the memory it shared as a view, instead of writing through.
        """
        if modes.capture is not None:
            modes.capture.touch(self)
        elif isinstance(self._data, jax.Array) and isinstance(array, DynamicJaxprTracer):  # it reads _data in any case
            self._check_not_outside()
        if self._lent:
            raise RuntimeError(
                "an in-place change of a Tensor that came into a function as part of a pytree (jax.jit, jax.grad, "
                "vmap ...) would be lost; return the new value, or use fxtorch.jit, which carries state"
            )
        if self._inference and versioned and not modes.inference:
            raise RuntimeError(
                "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get "
                "a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more "
                "details."
            )
        cell = self._cell
        if cell is None:
            cell = self._cell = [0, 0]
        link = self._link
        cell[0] += 1
        cell[1] += versioned and not (link is not None and link.quiet)
        self._data = array
        if node is not None:
            self._node, self._index, self._rg = node, index, True
            structure.changed()
        if link is not None:
            if cut:
                self._link, self._cell = None, [cell[0], cell[1]]
                structure.changed()
            else:
                link.write(self)

    def _check_not_outside(self) -> None:
        """Make sure that no object outside of a function that ``jax.jit`` traces gets a value of the trace.

        Raises:
            RuntimeError: one would.
        """
        if isinstance(self._data, Tracer):
            return
        holder = holder_of(self)
        if holder.startswith(("attribute", "the entry")):
            raise RuntimeError(
                f"{holder} would be changed in a function that jax.jit traces, at {user_line()}, to a value that "
                "exists only there; use fxtorch.jit, which carries state, or return the new value"
            )

    def _alias(self, *, versioned: bool) -> Tensor:
        """A Tensor that shares memory and version with this one but is outside of the graph."""
        raise NotImplementedError  # views.py gives it

    def _leave_memory(self) -> None:
        """Part it from the memory that it shares with views, which keep it."""
        raise NotImplementedError  # views.py gives it

    @staticmethod
    def _make_subclass(cls: type, data: Tensor, require_grad: bool = False) -> Any:  # pyright: ignore[reportSelfClsParameterName]
        """A Tensor of class ``cls`` with the values of ``data``, a leaf."""
        t = object.__new__(cls)
        t._data = unwrap(data)
        if data._inference:
            t._inference = True
        made(t)
        if require_grad:
            t.requires_grad = True
        return t


def method(fn: F) -> F:
    """Add a function to Tensor under its own name."""
    setattr(Tensor, fn.__name__, fn)
    return fn


_new = object.__new__


def wrap(array: Any) -> Tensor:
    """A new Tensor on ``array``, a leaf that wants no gradient."""
    t = _new(Tensor)
    t._data = array
    if modes.inference:
        t._inference = True
    if modes.capture is not None:
        modes.capture.made(t)
    return t


def state(array: Any) -> Tensor:
    """A Tensor that lives outside of any trace, even if it is made inside one (a generator's key, lazy state)."""
    t = _new(Tensor)
    t._data = array
    return t


def made(tensor: Tensor) -> None:
    """Tell the compiler, if it is tracing, of a Tensor that :func:`wrap` did not make."""
    if modes.capture is not None:
        modes.capture.made(tensor)


def version_of(tensor: Tensor) -> int:
    """How often ``tensor`` was changed in place so far; in a trace, what the trace did counts."""
    tensor._data  # noqa: B018  (a compiled step counts the changes of those that were asked for)
    return 0 if tensor._cell is None else tensor._cell[1]


def unwrap(tensor: Tensor) -> Any:
    """The current array of ``tensor``: views are brought up to date, and the compiler hears of the read."""
    if modes.capture is not None:
        modes.capture.touch(tensor)
    if traces.thread is not None:
        traces.wait()
    link = tensor._link
    if link is not None and link.seen != tensor._cell[0]:  # type: ignore[index]
        link.read(tensor)
    array = tensor._data
    if array.__class__ is not ArrayImpl and modes.capture is None and isinstance(array, Tracer):
        traces.wait()
        if tensor._data is not array:  # it was another thread's, and is gone
            return unwrap(tensor)
    return array


def unwrap_aval(tensor: Tensor) -> Any:
    """The abstract value (shape and type) of ``tensor``; no in-place change can alter that of a view."""
    data = tensor._data
    return data.aval if data.__class__ is ArrayImpl or isinstance(data, jax.Array) else data
