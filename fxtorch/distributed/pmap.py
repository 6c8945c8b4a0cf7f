"""fxtorch.pmap: a function of Tensors, once on every device."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax

from fxtorch.distributed.axis import inside
from fxtorch.func.call import Call, is_leaf
from fxtorch.func.vmap import spread
from fxtorch.tensor import Tensor

AXIS = "devices"


def pmap(
    func: Callable[..., Any] | None = None,
    *,
    in_dims: Any = 0,
    axis_name: str = AXIS,
    devices: Sequence[Any] | None = None,
) -> Callable[..., Any]:
    """``func`` on every device at once, each with its slice of the arguments; the results are stacked.

    As ``jax.pmap``, on Tensors: the program is compiled once, and the collectives of ``fxtorch.distributed`` inside
    (``all_reduce``, ``all_gather``, ``broadcast``) speak to the other devices.  It can be differentiated.  For a
    training step with a model and an optimizer, ``distributed.parallel`` needs no slices and no collectives.

    >>> import fxtorch as torch
    >>> double = torch.pmap(lambda x: x * 2)
    >>> double(torch.ones(1, 3)).shape  # one device, three numbers
    torch.Size([1, 3])

    Args:
        func: a function of Tensors that returns Tensors; what it changes must be returned.
        in_dims: the dimension of each argument that the devices share out, None for what all get whole.
        axis_name: the name of the axis, for ``jax.lax``'s collectives.
        devices: which; the first ones, as many as there are slices, if not given.

    Raises:
        ValueError: the slices differ in number, or there are more of them than devices.
    """
    if func is None:
        return functools.partial(pmap, in_dims=in_dims, axis_name=axis_name, devices=devices)
    fn = func

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        axes = spread(in_dims, args, getattr(fn, "__name__", type(fn).__name__))
        call = Call(fn, args, kwargs)
        n_args = len(jax.tree.leaves(tuple(args), is_leaf=is_leaf))
        dims = [axes[p] if p < n_args else 0 for p in call.places]
        size = _size(call.tensors, dims, devices)

        def one(*values: Any) -> Any:
            with inside(axis_name, size):
                out, changed = call.inside(values)
            if any(dims[i] is None for i in changed if i < len(dims)):
                raise RuntimeError("pmap: a Tensor that all devices get whole cannot be changed in place by each")
            return out, changed

        def pure(arrays: Sequence[Any]) -> Any:
            every = [*dims, *[None] * (len(arrays) - len(dims))]
            mapped = jax.pmap(one, axis_name=axis_name, in_axes=tuple(every), devices=devices)
            out, changed = mapped(*arrays)
            return out, {i: jax.numpy.moveaxis(x, 0, every[i] or 0) for i, x in changed.items()}

        return call.run(pure, "pmap")

    return wrapper


def _size(tensors: Sequence[Tensor], dims: Sequence[int | None], devices: Sequence[Any] | None) -> int:
    sizes = {t.shape[d] for t, d in zip(tensors, dims, strict=True) if d is not None}
    there = jax.local_device_count() if devices is None else len(devices)
    if len(sizes) != 1:
        raise ValueError(f"pmap: the arguments must have one number of slices, and have {sorted(sizes)}")
    size = sizes.pop()
    if size > there:
        raise ValueError(f"pmap: {size} slices for {there} devices")
    return size
