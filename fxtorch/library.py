"""torch.library and torch.ops: operators that libraries register by name, in Python.

Only what runs is kept: an implementation for any of JAX's devices, and its backward.  Shape functions, schemas of
dispatch keys and autocast rules are accepted, and have nothing to do here: JAX traces the implementation itself.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import jax

from fxtorch import ops
from fxtorch.autograd import Function
from fxtorch.tensor import Tensor
from fxtorch.tensor.dispatch import namespace

__all__ = ["Library", "custom_op", "define", "impl", "impl_abstract", "register_autograd", "register_fake"]

_RUNS = ("", "CPU", "CUDA", "CompositeImplicitAutograd", "CompositeExplicitAutograd", "default", "cpu", "cuda")


class CustomOp:
    """An operator that a library registered: ``torch.ops.<namespace>.<name>``.

    Attributes:
        run: its implementation.
        on_gpu: the one that was registered for CUDA alone, beside ``run``.
        backward: ``backward(ctx, *gradients)``, with ``setup_context(ctx, inputs, output)``.
    """

    def __init__(self, name: str) -> None:
        self.name = self.__name__ = name
        self.run: Callable[..., Any] | None = None
        self.on_gpu: Callable[..., Any] | None = None
        self.backward: Callable[..., Any] | None = None
        self.setup_context: Callable[..., Any] | None = None
        self.native = False  # of fxtorch's own: what a library says of its gradients has been said
        self.default = self  # torch's name for the overload that has no name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it.

        Raises:
            NotImplementedError: nothing that runs was registered.
        """
        run = self._chosen()
        if self.backward is None:
            return run(*args, **kwargs)
        bound = inspect.signature(run).bind(*args, **kwargs)
        bound.apply_defaults()  # setup_context sees every argument
        return self._function.apply(*bound.args, *bound.kwargs.values())

    def _chosen(self) -> Callable[..., Any]:
        run = self.run
        if self.on_gpu is not None and (run is None or jax.default_backend() == "gpu"):
            run = self.on_gpu
        if run is None:
            raise NotImplementedError(f"the operator {self.name} has no implementation in Python")
        return run

    @functools.cached_property
    def _function(self) -> type[Function]:
        run, backward, setup = self._chosen(), self.backward, self.setup_context
        assert backward is not None

        def forward(ctx: Any, *args: Any) -> Any:
            out = run(*args)
            if setup is not None:
                setup(ctx, args, out)
            return out

        members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        return type(self.name.replace("::", "_"), (Function,), members)

    def register_fake(self, fn: Callable[..., Any] | None = None, /, **kwargs: Any) -> Any:
        """Accepted: JAX finds shapes by tracing the implementation."""
        return (lambda f: f) if fn is None else fn

    register_vmap = register_torch_dispatch = register_kernel = register_autocast = register_fake

    def register_autograd(
        self, backward: Callable[..., Any], /, *, setup_context: Callable[..., Any] | None = None
    ) -> None:
        """Say what its gradients are."""
        if self.native:
            return
        self.backward, self.setup_context = backward, setup_context
        self.__dict__.pop("_function", None)


class Namespace(ModuleType):
    """``torch.ops.<name>``: the operators that were registered under it."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'_OpNamespace' '{self.__name__}' object has no attribute '{name}'")


def _slice(self: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """``self[start:end:step]`` along ``dim``."""
    return self[(slice(None),) * (dim % self.dim()) + (slice(start, end, step),)]


_OTHERS: dict[str, Callable[..., Any]] = {  # aten's names for what Tensors do by syntax
    "alias": lambda self: self.view(self.shape),
    "index": lambda self, indices: self[tuple(slice(None) if i is None else i for i in indices)],
    "slice": _slice,
}


class _AtenOp(CustomOp):
    """One of torch's own operators; its overloads (``aten.add.Tensor``) run the same function."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"the operator {self.name} has no overload {name!r}")
        overload = CustomOp(f"{self.name}.{name}")
        overload.run = self.run
        self.__dict__[name] = overload
        return overload


class _Aten(Namespace):
    """``torch.ops.aten``: torch's own functions, each its own ``default`` overload.

    Its private operators can be named, as subclasses of Tensor do to say what they do with each, and not called.
    """

    def __getattr__(self, name: str) -> Any:
        found = namespace("torch").get(name) or namespace("nn.functional").get(name) or _OTHERS.get(name)
        if found is None and (not name.startswith("_") or name.startswith("__")):
            return super().__getattr__(name)
        operator = _AtenOp(f"aten::{name}")
        operator.run = found
        setattr(self, name, operator)
        return operator


class _Torchvision(Namespace):
    """``torch.ops.torchvision``: fxtorch's own operators; the others say when called that they are not there."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattr__(name)
        operator = CustomOp(f"torchvision::{name}")
        operator.run, operator.native = namespace("ops.torchvision").get(name), True
        if name == "_cuda_version":
            operator.run = lambda: -1  # what a build without CUDA answers
        setattr(self, name, operator)
        return operator


def _operator(qualname: str, *, create: bool = True) -> CustomOp:
    space, colons, name = qualname.partition("::")
    if not colons:
        raise ValueError(f"expected a name with its namespace, 'namespace::name', got '{qualname}'")
    home = ops.__dict__.get(space)
    if not isinstance(home, Namespace):
        if home is not None:
            raise ValueError(f"the namespace '{space}' is taken by fxtorch.ops.{space}")
        home = Namespace(space)
        setattr(ops, space, home)
    name = name.partition("(")[0].partition(".")[0].strip()
    if not hasattr(home, name):
        if not create:
            raise RuntimeError(f"operator {space}::{name} does not exist")
        setattr(home, name, CustomOp(f"{space}::{name}"))
    return getattr(home, name)


def define(qualname: str, schema: str = "", *, lib: Any = None, tags: Any = ()) -> None:
    """Announce an operator: ``define("mine::mul2", "(Tensor x) -> Tensor")``."""
    _operator(qualname)


def _name_of(qualname: Any) -> str:
    return qualname.name if isinstance(qualname, CustomOp) else qualname


def impl(qualname: Any, types: str | Sequence[str], func: Callable[..., Any] | None = None, *, lib: Any = None) -> Any:
    """Give an operator its implementation; a decorator without ``func``."""
    if func is None:
        return functools.partial(_impl_now, qualname, types)
    return _impl_now(qualname, types, func)


def _impl_now(qualname: Any, types: str | Sequence[str], func: Callable[..., Any]) -> Callable[..., Any]:
    operator = _operator(_name_of(qualname))
    keys = [types] if isinstance(types, str) else types
    if operator.native or not any(t in _RUNS for t in keys):
        return func
    if all(t in ("CUDA", "cuda") for t in keys):
        operator.on_gpu = func
    else:
        operator.run = func
    operator.__dict__.pop("_function", None)
    return func


def register_fake(op: Any, func: Callable[..., Any] | None = None, /, **kwargs: Any) -> Any:
    """Accepted: JAX finds shapes by tracing the implementation."""
    return (lambda f: f) if func is None else func


impl_abstract = register_fake
register_vmap = register_torch_dispatch = register_autocast = register_fake


def register_kernel(op: Any, device_types: Any, func: Callable[..., Any] | None = None, /, **kwargs: Any) -> Any:
    """:func:`impl` for kinds of devices."""
    return impl(op, "default" if device_types is None else device_types, func)


def register_autograd(
    op: Any, backward: Callable[..., Any], /, *, setup_context: Callable[..., Any] | None = None, lib: Any = None
) -> None:
    """Say what the gradients of an operator are: ``backward(ctx, *gradients)``."""
    _operator(_name_of(op)).register_autograd(backward, setup_context=setup_context)


def custom_op(
    name: str,
    fn: Callable[..., Any] | None = None,
    /,
    *,
    mutates_args: Any = (),
    device_types: Any = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """Register a function as an operator; a decorator without ``fn``.

    >>> @custom_op("mine::twice", mutates_args=())
    ... def twice(x):
    ...     return 2 * x
    >>> twice(torch.ones(2))
    tensor([2., 2.])
    """
    if fn is None:
        return functools.partial(custom_op, name, mutates_args=mutates_args, device_types=device_types)
    operator = _operator(name)
    operator.run = fn
    functools.update_wrapper(operator, fn)
    return operator


triton_op = custom_op


def wrap_triton(kernel: Any) -> Any:
    """The kernel itself: a compiler that would look into it is not there."""
    return kernel


def opcheck(*args: Any, **kwargs: Any) -> dict[str, str]:
    """Nothing to check: there are no dispatch keys that an operator could have forgotten."""
    return {}


def get_ctx() -> Any:
    """Refuse: there are no symbolic shapes.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("get_ctx() is for torch's symbolic shapes, which fxtorch does not have")


class Library:
    """A group of operators of one namespace.

    Args:
        ns: the namespace.
        kind: ``"DEF"``, ``"IMPL"`` or ``"FRAGMENT"``, all alike here.
        dispatch_key: for which devices :meth:`impl` is, by default.
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key

    def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
        """Announce an operator by its schema; its name."""
        name = schema.partition("(")[0].strip()
        _operator(f"{self.ns}::{name}")
        return name

    def impl(self, op_name: Any, fn: Callable[..., Any], dispatch_key: str = "", **kwargs: Any) -> None:
        """Give an operator its implementation."""
        name = _name_of(op_name)
        _impl_now(name if "::" in name else f"{self.ns}::{name}", dispatch_key or self.dispatch_key, fn)

    def fallback(self, fn: Callable[..., Any], dispatch_key: str = "", **kwargs: Any) -> None:
        """Accepted: an operator without implementation says so when it is called."""

    _register_fake = impl_abstract = fallback


def load_library(path: str) -> None:
    """Refuse: compiled operators of torch's need torch.

    Raises:
        OSError: always, as where the file cannot be loaded.
    """
    raise OSError(f"fxtorch loads no compiled operators of PyTorch's: {path}")


ops.__dict__.update(aten=_Aten("aten"), torchvision=_Torchvision("torchvision"), load_library=load_library)
