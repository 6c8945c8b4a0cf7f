"""autocast: operators in the type that suits them, whatever the types of their arguments."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from jax.core import Tracer

from fxtorch.amp.lists import policy_of
from fxtorch.tensor import Tensor, modes
from fxtorch.tensor import device as devices
from fxtorch.tensor import dtype as types
from fxtorch.tensor.conversion import cast

_HALF_FIRST, _BRAIN_FIRST = (types.float16, types.bfloat16), (types.bfloat16, types.float16)
_LOW = {  # what each kind of device computes in, the default first; no Tensor is on any but the first two
    "cpu": _BRAIN_FIRST,
    "cuda": _HALF_FIRST,
    **dict.fromkeys(("mps", "xpu", "ipu", "mtia", "privateuseone"), _HALF_FIRST),
    **dict.fromkeys(("hpu", "xla", "maia"), _BRAIN_FIRST),
}


class Casting:
    """The regions that are entered now: what operators ask for the types of their arguments.

    Args:
        regions: the type of each device's region.
        cache: whether a parameter that was cast is kept for its next use in the region.
    """

    def __init__(self, regions: dict[str, types.dtype], cache: bool) -> None:
        self.regions = regions
        self.key = tuple(sorted((device, dtype.name) for device, dtype in regions.items()))
        self.cached: dict[int, tuple[Tensor, Any, Tensor]] | None = {} if cache else None

    def inputs(self, operator: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of a call, each Tensor in the type that the operator is to be computed in."""
        device = self._device(args)
        if device not in self.regions or operator.inplace:
            return args
        policy = policy_of(device, operator.name, args)
        if policy is None:
            return args
        if policy == "low":
            wanted = self.regions[device]
        elif policy == "float32":
            wanted = types.float32
        else:
            wanted = _widest(args)
        return tuple([self._cast(a, wanted) for a in args])

    def _device(self, args: tuple[Any, ...]) -> str:
        for a in args:
            if isinstance(a, list | tuple) and a:
                a = a[0]
            if isinstance(a, Tensor):
                return a.device.type
        return ""

    def _cast(self, value: Any, wanted: types.dtype) -> Any:
        if isinstance(value, list | tuple):
            if not any(isinstance(v, Tensor) for v in value):
                return value
            return type(value)(self._cast(v, wanted) for v in value)
        if not _eligible(value) or value.dtype is wanted:
            return value
        kept = self.cached
        if kept is None or not (modes.grad and value._rg and value._node is None) or isinstance(value._data, Tracer):
            return cast(value, wanted)
        if modes.capture is not None:  # inside a compiled function XLA casts once
            return cast(value, wanted)
        found = kept.get(id(value))
        if found is None or found[1] is not value._data or found[2].dtype is not wanted:
            found = kept[id(value)] = (value, value._data, cast(value, wanted))
        return found[2]


def _eligible(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype.is_floating_point and value.dtype is not types.float64


def _widest(args: tuple[Any, ...]) -> types.dtype:
    """The one type of the floating arguments, or float32 where they differ: what holds both small types."""
    given = [a for arg in args for a in (arg if isinstance(arg, list | tuple) else (arg,))]
    found = {a.dtype for a in given if _eligible(a)}
    return found.pop() if len(found) == 1 else types.float32


class _Settings(threading.local):
    """What each thread was told about devices outside of any region."""

    def __init__(self) -> None:
        self.dtypes = {device: low[0] for device, low in _LOW.items()}
        self.cache = True
        self.nesting = 0


_settings = _Settings()


def get_autocast_dtype(device_type: str) -> types.dtype:
    """The type that a region on a device computes in: that of the innermost region, or else the default."""
    _check_device(device_type)
    active = modes.autocast
    if isinstance(active, Casting) and device_type in active.regions:
        return active.regions[device_type]
    return _settings.dtypes[device_type]


def set_autocast_dtype(device_type: str, dtype: types.dtype) -> None:
    """Set the type that regions on a device compute in where they do not say."""
    _check_device(device_type)
    _settings.dtypes[device_type] = dtype
    if is_autocast_enabled(device_type):
        _set(device_type, dtype, _settings.cache)


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether operators on a device are cast now."""
    _check_device(device_type)
    return isinstance(modes.autocast, Casting) and device_type in modes.autocast.regions


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Switch casting on a device on or off, outside of a ``with``; ``set_autocast_enabled(flag)`` is for CUDA."""
    if enabled is None:
        device_type, enabled = "cuda", bool(device_type)
    _set(device_type, get_autocast_dtype(device_type) if enabled else None, _settings.cache)


def get_autocast_cpu_dtype() -> types.dtype:
    """:func:`get_autocast_dtype` of the CPU."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> types.dtype:
    """:func:`get_autocast_dtype` of CUDA."""
    return get_autocast_dtype("cuda")


def set_autocast_cpu_dtype(dtype: types.dtype) -> None:
    """:func:`set_autocast_dtype` of the CPU."""
    set_autocast_dtype("cpu", dtype)


def set_autocast_gpu_dtype(dtype: types.dtype) -> None:
    """:func:`set_autocast_dtype` of CUDA."""
    set_autocast_dtype("cuda", dtype)


def is_autocast_cpu_enabled() -> bool:
    """:func:`is_autocast_enabled` of the CPU."""
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """:func:`set_autocast_enabled` of the CPU."""
    set_autocast_enabled("cpu", enabled)


def is_autocast_cache_enabled() -> bool:
    """Whether parameters that were cast are kept within a region."""
    return _settings.cache


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Say whether parameters that were cast are kept within a region."""
    _settings.cache = enabled


def clear_autocast_cache() -> None:
    """Forget the parameters that were cast."""
    if isinstance(modes.autocast, Casting) and modes.autocast.cached is not None:
        modes.autocast.cached.clear()


def autocast_increment_nesting() -> int:
    """Note that a region was entered; how many there are now."""
    _settings.nesting += 1
    return _settings.nesting


def autocast_decrement_nesting() -> int:
    """Note that a region was left; how many there are now."""
    _settings.nesting -= 1
    return _settings.nesting


def is_autocast_available(device_type: str) -> bool:
    """Whether there is autocast for a kind of device."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    return device_type in _LOW


def _check_device(device_type: Any) -> None:
    if not is_autocast_available(device_type):
        raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")


def _set(device_type: str, dtype: types.dtype | None, cache: bool) -> None:
    regions = dict(modes.autocast.regions) if isinstance(modes.autocast, Casting) else {}
    if dtype is None:
        regions.pop(device_type, None)
    else:
        regions[device_type] = dtype
    modes.autocast = Casting(regions, cache) if regions else None


class autocast(contextlib.ContextDecorator):
    """A region in which matrix products run in a small floating type, and what would lose by it in float32.

    Operators are cast by torch's lists for the device (:mod:`fxtorch.amp.lists`): products and convolutions to
    ``dtype``, losses (on CUDA also norms, softmax, powers, sums) to float32, ``cat`` and its like to the widest type of
    their arguments; all others take what they are given.  Gradients arrive in the types of the parameters.  In-place
    operators and float64 are left alone.  Regions nest, and ``enabled=False`` makes an island.  It is a ``with`` block
    or a decorator, and works inside :data:`fxtorch.jit`; a function compiled outside is compiled anew for the region.

    Args:
        device_type: ``"cpu"`` or ``"cuda"``.
        dtype: bfloat16 or float16; by default bfloat16 on the CPU, float16 on CUDA.
        enabled: False casts nothing.
        cache_enabled: whether a parameter that was cast is kept for its next use in the region.

    Raises:
        RuntimeError: there is no autocast for the device.

    >>> import fxtorch as torch
    >>> layer, x = torch.nn.Linear(3, 2), torch.ones(1, 3)
    >>> with torch.autocast("cpu", dtype=torch.bfloat16):
    ...     y = layer(x)
    ...     loss = torch.nn.functional.mse_loss(y, torch.zeros(1, 2))
    >>> loss.backward()
    >>> y.dtype, loss.dtype, layer.weight.grad.dtype
    (torch.bfloat16, torch.float32, torch.float32)
    """

    def __init__(
        self,
        device_type: str,
        dtype: types.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        _check_device(device_type)
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        if enabled and device_type == "cuda" and not devices.is_there("cuda"):
            warnings.warn("User provided device_type of 'cuda', but CUDA is not available. Disabling", stacklevel=2)
            enabled = False
        if enabled and self.fast_dtype not in _LOW[device_type]:
            warnings.warn(
                f"In {device_type.upper()} autocast, but the target dtype is not supported. Disabling autocast. It "
                "supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        self._cache = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._before: list[Any] = []

    def __enter__(self) -> autocast:
        self._before.append(modes.autocast)
        _set(self.device, self.fast_dtype if self._enabled else None, self._cache)
        autocast_increment_nesting()
        return self

    def __exit__(self, *exc: object) -> None:
        autocast_decrement_nesting()
        modes.autocast = self._before.pop()


@contextlib.contextmanager
def same_region(active: Any) -> Iterator[None]:
    """The regions that were entered when ``modes.autocast`` was ``active``, without what they keep."""
    before = modes.autocast
    modes.autocast = Casting(active.regions, False) if isinstance(active, Casting) else None
    try:
        yield
    finally:
        modes.autocast = before


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """Decorates the ``forward`` of a ``torch.autograd.Function``, together with :func:`custom_bwd`.

    Args:
        fwd: the method; leave it out to use ``@custom_fwd(...)``.
        device_type: whose region matters.
        cast_inputs: within a region, cast floating arguments to this type, and run ``fwd`` outside of it.

    Raises:
        ValueError: ``device_type`` is not a string.
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    _check_device(device_type)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        inside = is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = inside and cast_inputs is None
        if not inside or cast_inputs is None:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *_all_cast(args, cast_inputs), **_all_cast(kwargs, cast_inputs))

    return forward


def _all_cast(value: Any, dtype: types.dtype) -> Any:
    if isinstance(value, dict):
        return {key: _all_cast(v, dtype) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_all_cast(v, dtype) for v in value)
    return cast(value, dtype) if _eligible(value) else value


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str = "cuda") -> Any:
    """Decorates the ``backward`` that belongs to a :func:`custom_fwd`: it runs in the region of the forward.

    Args:
        bwd: the method; leave it out to use ``@custom_bwd(...)``.
        device_type: whose region matters.
    """
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, dtype=ctx._dtype, enabled=ctx._fwd_used_autocast):
            return bwd(ctx, *args, **kwargs)

    return backward
