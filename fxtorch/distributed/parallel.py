"""One step over many devices: the batch is split, the state is one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fxtorch.compiler import errors, nesting
from fxtorch.compiler.checked import checked, passed
from fxtorch.compiler.function import CompiledFunction, _lock, modes_now
from fxtorch.compiler.guards import signature
from fxtorch.compiler.hung import hung_on
from fxtorch.compiler.results import Fresh
from fxtorch.compiler.transition import Transition
from fxtorch.distributed.axis import whole_batch
from fxtorch.distributed.mesh import DeviceMesh, as_mesh, axis_of
from fxtorch.ops.xla import compiled
from fxtorch.tensor import Tensor, modes, unwrap, wrap


def parallel(
    step: Callable[..., Any] | None = None,
    mesh: DeviceMesh | Mesh | None = None,
    *,
    axis: str | None = None,
    in_dims: Any = 0,
    sync_batchnorm: bool = True,
) -> Any:
    """``step``, compiled for all devices of a mesh: each gets a part of the batch, and the numbers stay those of one.

    The step is written for the whole batch; XLA splits its work along the batch and puts the sums (of the loss, the
    gradients, the batch norm statistics) together.  State is copied to every device, or split where
    :func:`fully_shard` split it, and stays so: gradients and optimizer state are split like their parameter.

    A batch that the devices do not divide evenly runs too: XLA fills up the last part and leaves the filling out of
    every sum.  In a run of several processes each passes its own part, of the same size, and gets the whole's result.

    >>> import fxtorch as torch
    >>> model = torch.nn.Linear(3, 1)
    >>> opt = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> @torch.distributed.parallel
    ... def step(x, y):
    ...     opt.zero_grad()
    ...     loss = ((model(x) - y) ** 2).mean()
    ...     loss.backward()
    ...     opt.step()
    ...     return loss
    >>> step(torch.randn(8, 3), torch.randn(8, 1)).shape
    torch.Size([])

    Args:
        step: an ordinary training or evaluation step; leave it out to use ``@parallel(mesh=...)``.
        mesh: the devices; all of them if not given.
        axis: the mesh's axis that splits the batch; its first if not given.
        in_dims: the dimension that is the batch, of all Tensors or, as a tuple, of each argument; None for one that
            every device gets whole.
        sync_batchnorm: let every batch norm take its moments over the whole batch, as on one device.  Without, each
            device takes those of its part, as PyTorch's DistributedDataParallel does, and the running moments are the
            mean over devices; ``SyncBatchNorm`` layers stay synchronised, and a batch that does not divide evenly
            counts as one part.

    Raises:
        NotCompilable: the step needs a Tensor's value in Python.
    """
    if step is None:
        return functools.partial(parallel, mesh=mesh, axis=axis, in_dims=in_dims, sync_batchnorm=sync_batchnorm)
    return Parallel(step, as_mesh(mesh), axis, in_dims, sync_batchnorm)


class Parallel:
    """What :func:`parallel` returns."""

    def __init__(
        self, step: Callable[..., Any], mesh: Mesh, axis: str | None, in_dims: Any, sync_batchnorm: bool
    ) -> None:
        self.step = step.fn if isinstance(step, CompiledFunction) else step
        functools.update_wrapper(self, self.step, updated=())
        self.mesh = mesh
        self.axis = axis_of(mesh, axis)
        self.in_dims = in_dims
        self.sync_batchnorm = sync_batchnorm
        self.name = getattr(self.step, "__name__", type(step).__name__)
        self.programs: dict[Any, list[_Sharded]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the step on all devices."""
        leaves, tree = nesting.flatten((args, kwargs))
        if modes.capture is not None:
            return self._within(leaves, tree)
        with _lock:
            key = (tree, modes_now(), signature(leaves))
            arrays = self._place(leaves, tree)
            for program in self.programs.get(key, ()):
                if (guards := program.transition.layout.guards).hold() and guards.fit(leaves):
                    try:
                        return program(leaves, arrays)
                    except errors.StateChanged:
                        self.programs[key].remove(program)
                        break
            program = self._trace(leaves, tree, arrays)
            try:
                result = program(leaves, arrays)
            except BaseException:
                program.transition.traced.abandon()
                raise
            self.programs.setdefault(key, []).insert(0, program)
            return result

    def to_mesh(self, array: Any) -> Any:
        """``array`` on the mesh, for ``fold``: as it lies there already, or a copy for every device."""
        sharding = getattr(array, "sharding", None)
        if isinstance(sharding, NamedSharding) and sharding.mesh == self.mesh:
            return array
        return _to_mesh(array, NamedSharding(self.mesh, PartitionSpec()), split=False)

    def _within(self, leaves: Sequence[Any], tree: Any) -> Any:
        """Be part of another program (``fold``'s), which then runs on all devices."""
        dims = self._dims(leaves, tree)
        given: list[Any] = list(leaves)
        for i, (dim, leaf) in enumerate(zip(dims, leaves, strict=True)):
            if dim is not None and not (isinstance(leaf, Tensor) and leaf.requires_grad):
                array = unwrap(leaf) if isinstance(leaf, Tensor) else leaf
                split = lax.with_sharding_constraint(array, NamedSharding(self.mesh, self._spec(dim)))
                given[i] = _on(split, leaf)
        before = [unwrap(x) if isinstance(x, Tensor) else x for x in given]
        args, kwargs = jax.tree.unflatten(tree, given)
        with self._as_whole([x.shape[d] for d, x in zip(dims, leaves, strict=True) if d is not None]):
            out = self.step(*args, **kwargs)
        for new, old, own in zip(given, before, leaves, strict=True):
            if new is not own and isinstance(new, Tensor) and unwrap(new) is not old:
                raise errors.NotCompilable(f"{self.name} changes an argument in place, inside of another program")
        return out

    @contextmanager
    def _as_whole(self, sizes: Sequence[int]) -> Iterator[None]:
        """What a step sees is the whole batch; its layers may be told to take moments part by part."""
        parts = self.mesh.shape[self.axis]
        even = all(n % parts == 0 for n in sizes)
        with whole_batch(), _batch_in_parts(1 if self.sync_batchnorm or not even else parts):
            yield

    def _trace(self, leaves: Sequence[Any], tree: Any, arrays: Sequence[Any]) -> _Sharded:
        given = iter(arrays)
        whole = [_on(next(given), x) if _is_array(x) else x for x in leaves]  # of all processes
        dims = [d for d, x in zip(self._dims(leaves, tree), leaves, strict=True) if _is_array(x)]
        with self._as_whole([x.shape[d] for d, x in zip(dims, arrays, strict=True) if d is not None]):
            transition = Transition(self.step, whole, tree, self.name, _several(self.mesh))
        return _Sharded(transition, self.mesh, [self._spec(d) for d in dims])

    def _dims(self, leaves: Sequence[Any], tree: Any) -> list[int | None]:
        """The batch dimension of each leaf; None where there is none."""
        if self.in_dims is None or isinstance(self.in_dims, int):
            spread = [self.in_dims] * len(leaves)
        else:
            args, kwargs = jax.tree.unflatten(tree, leaves)
            if len(self.in_dims) != len(args):
                raise ValueError(f"in_dims={self.in_dims} does not fit {len(args)} arguments")
            spread = [d for d, a in zip(self.in_dims, args, strict=True) for _ in nesting.flatten(a)[0]]
            spread += [0] * len(nesting.flatten(kwargs)[0])
        return [d if _is_array(x) and x.ndim > 0 else None for d, x in zip(spread, leaves, strict=True)]

    def _spec(self, dim: int | None) -> PartitionSpec:
        return PartitionSpec() if dim is None else PartitionSpec(*[None] * dim, self.axis)

    def _place(self, leaves: Sequence[Any], tree: Any) -> list[Any]:
        """The arrays among the arguments, on the mesh: split where they divide evenly, whole everywhere else."""
        out = []
        processes = len({d.process_index for d in self.mesh.devices.flat})
        parts = self.mesh.shape[self.axis] // processes
        for dim, leaf in zip(self._dims(leaves, tree), leaves, strict=True):
            if not _is_array(leaf):
                continue
            array = unwrap(leaf) if isinstance(leaf, Tensor) else leaf
            even = dim is not None and array.shape[dim] % parts == 0
            if dim is not None and not even and processes > 1:
                raise ValueError(
                    f"a batch of {array.shape[dim]} does not divide by the {parts} devices of this process; in a run "
                    "of several processes all parts must be of one size (DistributedSampler sees to that)"
                )
            sharding = NamedSharding(self.mesh, self._spec(dim) if even else PartitionSpec())
            out.append(_to_mesh(array, sharding, split=even))
        return out


class _Sharded:
    """One traced step, compiled for a mesh."""

    def __init__(self, transition: Transition, mesh: Mesh, specs: Sequence[PartitionSpec]) -> None:
        self.transition = transition
        self.mesh = mesh
        self.specs = specs
        self.whole = NamedSharding(mesh, PartitionSpec())
        self.fixed = [i for i in range(len(transition.references)) if i not in set(transition.moving)]
        self.run: Any = None

    def __call__(self, leaves: Sequence[Any], arrays: Sequence[Any]) -> Any:
        """Run on the original arguments and their arrays on the mesh."""
        self.transition.sharing.check_memory(leaves)
        with self.transition.layout.effects.taken_back():
            return self._run_on(leaves, arrays)

    def _run_on(self, leaves: Sequence[Any], arrays: Sequence[Any]) -> Any:
        t = self.transition
        state = self._gather(leaves)
        shardings = tuple(x.sharding for x in state)
        effects = t.layout.effects
        effects.run(late=False)
        numbers = [np.asarray(n, dtype) for n, dtype in zip(t.numbers(), t.number_types(), strict=True)]
        if _several(self.mesh):
            numbers = [_to_mesh(jnp.asarray(n), self.whole, split=False) for n in numbers]
        effects.run(late=True)
        given = state, arrays, numbers, shardings
        if self.run is None:
            self.run = compiled(self._run, given, static_argnums=(3,))
        carry, results = passed(self.run(*given))
        if _several(self.mesh):
            carry, results = jax.tree.map(lambda x: x.addressable_data(0), (carry, results))
        return t.scatter(carry, results, leaves)

    def _gather(self, leaves: Sequence[Any]) -> list[Any]:
        """The state on the mesh; what was not there yet is moved for good."""
        t = self.transition
        state = t.gather(leaves)
        for i, array in enumerate(state):
            sharding = array.sharding
            if isinstance(sharding, NamedSharding) and sharding.mesh == self.mesh:
                continue
            state[i] = _to_mesh(array, self.whole, split=False)
            tensor = t.references[i].find(leaves)
            if tensor._link is None and not _several(self.mesh):
                tensor._data = state[i]
        return state

    def _run(self, state: Sequence[Any], arrays: Sequence[Any], numbers: Sequence[Any], shardings: Any) -> Any:
        run = functools.partial(self._steps, shardings)
        return checked(run, [self.transition])(state, arrays, numbers)

    def _steps(self, shardings: Any, state: Sequence[Any], arrays: Sequence[Any], numbers: Sequence[Any]) -> Any:
        t = self.transition
        split = [self._constrain(x, NamedSharding(self.mesh, s)) for x, s in zip(arrays, self.specs, strict=True)]
        room = [jnp.zeros(a.shape, a.dtype) for a in t.room()]
        carry = [*(state[i] for i in t.moving), *room]
        carry, results = t.advance(carry, [state[i] for i in self.fixed], split, numbers)
        places = [shardings[i] for i in t.moving] + self._places_of_rest(shardings)
        carry = [self._constrain(x, s) for x, s in zip(carry, places, strict=True)]
        return carry, [self._constrain(x, self.whole) for x in results]

    def _places_of_rest(self, shardings: Sequence[Any]) -> list[Any]:
        """Where what is kept beside the state goes: gradients beside their parameter, everything else everywhere."""
        t = self.transition
        number = {r.identity: i for i, r in enumerate(t.references)}
        of_output = {}
        for owner, piece in t.layout.grads:
            made = None if piece is None else t.layout.pieces.pieces[piece]
            if isinstance(made, Fresh) and owner.identity in number:
                of_output[made.output] = shardings[number[owner.identity]]
        return [of_output.get(k, self.whole) for k in t.last]

    def _constrain(self, x: Any, sharding: Any) -> Any:
        if jnp.issubdtype(x.dtype, jax.dtypes.extended):
            return x
        return lax.with_sharding_constraint(x, sharding)


def _is_array(x: Any) -> bool:
    return isinstance(x, Tensor | jax.Array | np.ndarray)


def _on(array: Any, like: Any) -> Any:
    """A Tensor on ``array`` that stands to the tape as ``like`` does, or the array itself."""
    if not isinstance(like, Tensor):
        return array
    tensor = wrap(array)
    tensor._rg = like.requires_grad
    tensor.__dict__.update(hung_on(like))
    return tensor


def _several(mesh: Mesh) -> bool:
    """Whether the mesh spans more than one process."""
    return len({d.process_index for d in mesh.devices.flat}) > 1


def _to_mesh(array: Any, sharding: NamedSharding, *, split: bool) -> Any:
    """``array`` on the devices of ``sharding``; of several processes each gives its own part, or its own copy."""
    if isinstance(array, jax.Array) and array.sharding == sharding:
        return array
    if not _several(sharding.mesh):  # pyright: ignore[reportArgumentType]
        return jax.device_put(array, sharding)
    local = np.asarray(array)
    return jax.make_array_from_process_local_data(sharding, local, None if split else local.shape)


@contextmanager
def _batch_in_parts(parts: int) -> Iterator[None]:
    """Let batch norm layers that are traced here take their moments part by part."""
    before, modes.batch_parts = modes.batch_parts, parts
    try:
        yield
    finally:
        modes.batch_parts = before
