"""Mapping a function of Tensors over a dimension of its arguments."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from fxtorch.func.call import Call, is_leaf
from fxtorch.func.order import in_order
from fxtorch.tensor import Tensor, modes

_RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that applies ``func`` to every slice of its arguments, all at once.

    >>> import fxtorch as torch
    >>> dot = torch.func.vmap(torch.dot)
    >>> dot(torch.ones(3, 2), torch.ones(3, 2))
    tensor([2., 2., 2.])

    Args:
        func: a function of Tensors; it sees one slice of each.
        in_dims: the dimension to map over, for each argument (nested as the arguments are, or one for a whole
            argument); None where every slice sees the same.
        out_dims: where the mapped dimension goes in each result.
        randomness: what a random draw inside does: ``"error"`` raises, ``"different"`` draws for each slice,
            ``"same"`` draws once for all.
        chunk_size: map over this many slices at a time; None means all.

    An argument that ``func`` changes in place is changed, slice by slice.

    Raises:
        ValueError: the dimensions do not fit the arguments or one another, or a result is not a Tensor.
        RuntimeError: a random draw under ``"error"``, or a Tensor that all slices share is changed by one of them.
    """
    if randomness not in _RANDOMNESS:
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        name = getattr(func, "__name__", type(func).__name__)
        axes = spread(in_dims, args, name)
        call = Call(func, args, kwargs)
        n_args = len(jax.tree.leaves(tuple(args), is_leaf=is_leaf))
        dims: list[int | None] = [axes[p] if p < n_args else 0 for p in call.places]
        _check_inputs(args, axes, in_dims, name)
        sizes = _sizes(call.tensors, dims)
        chunk = sizes if chunk_size is None else chunk_size

        def pure(arrays: Sequence[Any]) -> Any:
            n = len(call.tensors)
            parts = []
            for start in range(0, max(sizes, 1), max(chunk, 1)):
                rows = [
                    a
                    if d is None or chunk >= sizes
                    else jax.lax.slice_in_dim(a, start, min(start + chunk, sizes), axis=d)
                    for a, d in zip(arrays[:n], dims, strict=True)
                ]
                parts.append(
                    _mapped(call, [*rows, *arrays[n:]], [*dims, *[None] * (len(arrays) - n)], randomness, name)
                )
            out, changed = jax.tree.map(lambda *xs: xs[0] if len(xs) == 1 else jnp.concatenate(xs), *parts)
            return _placed(out, out_dims, name), {
                i: x[0] if dims[i] is None else jnp.moveaxis(x, 0, dims[i])
                for i, x in changed.items()  # type: ignore[arg-type]
            }

        out = call.run(pure, "vmap")
        return in_order(call.returned, out)

    return wrapper


def _mapped(call: Call, arrays: Sequence[Any], dims: Sequence[int | None], randomness: str, name: str) -> Any:
    """One run of the function over all rows; results are mapped at dimension 0."""

    def one(row: Any, *values: Any) -> Any:
        with _draws(row, randomness):
            out, changed = call.inside(values)
        for i, x in changed.items():
            if dims[i] is None and call.is_foreign(x):
                raise RuntimeError(
                    "vmap: an inplace operation is not possible because a Tensor that is not mapped over would have to "
                    "hold a value for each slice; map over it too (in_dims), or use the out-of-place form"
                )
        for leaf in jax.tree.leaves(out, is_leaf=lambda x: x is None):
            if not isinstance(leaf, jax.Array):
                raise ValueError(
                    f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(leaf)}. Did you mean to set "
                    "out_dims= to None for output?"
                )
        return out, changed

    size = next(a.shape[d] for a, d in zip(arrays, dims, strict=True) if d is not None)
    return jax.vmap(one, in_axes=(0, *dims), out_axes=0)(jnp.arange(size, dtype=jnp.int32), *arrays)


@contextlib.contextmanager
def _draws(row: Any, randomness: str) -> Iterator[None]:
    """Give every slice its own random key, or the same, or none."""
    outer = modes.on_draw

    def on_draw(key: Any) -> Any:
        if randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )
        if outer is not None:
            key = outer(key)
        if randomness == "same":
            return key
        folded = jax.random.fold_in(jax.random.wrap_key_data(key), row)
        return jax.random.key_data(folded)

    modes.on_draw = on_draw
    try:
        yield
    finally:
        modes.on_draw = outer


def spread(in_dims: Any, args: tuple[Any, ...], name: str) -> list[int | None]:
    """The mapped dimension of each leaf of ``args``."""
    if not isinstance(in_dims, int | tuple | list):
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): expected `in_dims` to be int or a (potentially nested) "
            f"tuple matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over "
            "a function with no inputs. The latter is unsupported."
        )
    if not isinstance(in_dims, int):
        in_dims = tuple(in_dims)
    try:
        spread = jax.tree.map(
            lambda d, part: [d] * len(jax.tree.leaves(part, is_leaf=is_leaf)),
            in_dims if isinstance(in_dims, tuple) else (in_dims,) * len(args),
            args,
            is_leaf=lambda x: x is None or isinstance(x, int),
        )
    except ValueError as error:
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with the structure of "
            f"`inputs`. {error}"
        ) from None
    return jax.tree.leaves(spread, is_leaf=lambda x: x is None)


def _check_inputs(args: tuple[Any, ...], axes: Sequence[int | None], in_dims: Any, name: str) -> None:
    """Raise in torch's words where a leaf cannot be mapped over."""
    head = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim="
    for leaf, dim in zip(jax.tree.leaves(args, is_leaf=is_leaf), axes, strict=True):
        if dim is None or hasattr(leaf, "named_parameters"):  # a Module may hold stacked parameters
            continue
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"{head}{dim} for an input but the input is of type {type(leaf)}. We cannot vmap over non-Tensor "
                "arguments, please use None as the respective in_dim"
            )
        if not -leaf.ndim <= dim < leaf.ndim:
            raise ValueError(
                f"{head}{dim} for some input, but that input is a Tensor of dimensionality {leaf.ndim} so expected "
                f"in_dim to satisfy -{leaf.ndim} <= in_dim < {leaf.ndim}."
            )


def _sizes(tensors: Sequence[Tensor], dims: Sequence[int | None]) -> int:
    sizes = [t.shape[d] for t, d in zip(tensors, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: at least one input must be a Tensor that is mapped over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


def _placed(out: Any, out_dims: Any, name: str) -> Any:
    """``out``, mapped at dimension 0, with that dimension where the caller wants it."""
    leaves, tree = jax.tree.flatten(out)
    if isinstance(out_dims, int) or out_dims is None:
        dims: list[Any] = [out_dims] * len(leaves)
    else:
        spread = (
            tuple(out_dims)
            if isinstance(out, tuple)
            else out_dims[0]
            if isinstance(out_dims, tuple) and len(out_dims) == 1
            else out_dims
        )
        try:
            dims = jax.tree.leaves(
                jax.tree.map(
                    lambda d, part: [d] * len(jax.tree.leaves(part)), spread, out,
                    is_leaf=lambda x: x is None or isinstance(x, int),
                ),
                is_leaf=lambda x: x is None,
            )  # fmt: skip
        except ValueError as error:
            raise ValueError(
                f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
                "`outputs`. "
                f"{error}"
            ) from None
    for x, d in zip(leaves, dims, strict=True):
        if d is not None and not -x.ndim <= d < x.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-x.ndim}, {x.ndim - 1}], but got {d})"
            )
    return jax.tree.unflatten(
        tree, [x[0] if d is None else jnp.moveaxis(x, 0, d) for x, d in zip(leaves, dims, strict=True)]
    )
