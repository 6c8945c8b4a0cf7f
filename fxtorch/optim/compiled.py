"""The step that all optimizers share: one compiled call updates every parameter of a group."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import optax

from fxtorch.autograd import enable_grad
from fxtorch.optim.differentiable import record_update
from fxtorch.optim.optimizer import Closure, Optimizer
from fxtorch.optim.update import Arrays, Flags, Plan, alike, as_old, as_real, compiled_update, update, update_stacked
from fxtorch.tensor import Tensor, is_tracing, materialize, modes, rely_on, scalar_input, unwrap
from fxtorch.tensor.sparse import is_sparse
from fxtorch.tensor.stacks import Stacks
from fxtorch.tensor.tensor import state as lasting

_plans: dict[tuple[type[CompiledOptimizer], Flags], Plan] = {}


def _decays(group: Mapping[str, Any]) -> bool:
    """Whether weights decay; a factor that is a Tensor may become anything."""
    factor = group.get("weight_decay", 0)
    return isinstance(factor, Tensor) or factor != 0


class CompiledOptimizer(Optimizer):
    """An optimizer whose step is an optax transformation, compiled once and reused while its numbers change.

    A subclass declares

    * ``hypers``: the options that are numbers (or tuples of numbers).  They are inputs of the compiled step: a
      scheduler may change them at every step without compiling anew.
    * ``names``: for each field of the optax state, torch's name of it.
    * :meth:`flags`: the options that decide which computation this is; a change compiles another program.
    * :meth:`rule`: the optax transformation that these options ask for.

    Each parameter carries its own optax state, so that parameters whose gradient is ``None`` at times keep their own
    count of steps, as in torch.
    """

    hypers: ClassVar[tuple[str, ...]] = ()
    names: ClassVar[Mapping[str, str]] = {}
    elementwise: ClassVar[bool] = True  # whether each element of a parameter is updated for itself
    gradients: ClassVar[Literal["dense", "sparse", "any"]] = "dense"  # "any": sparse ones are made dense

    @classmethod
    def flags(cls, group: Mapping[str, Any]) -> dict[str, Any]:
        """The options of ``group`` that decide what is computed, by name; the values are hashable."""
        return {}

    @classmethod
    def kind(cls, param: Tensor) -> Flags:
        """What of a parameter decides the computation: further flags, with their names."""
        return ()

    @classmethod
    def rule(cls, o: Mapping[str, Any]) -> optax.GradientTransformation:
        """The transformation for the options ``o``: the hyperparameters (traced) and the flags."""
        raise NotImplementedError

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: reevaluates the model, calls ``backward()`` and returns the loss.

        Returns:
            what ``closure`` returned, or ``None``.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            kinds: dict[Flags, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    self._check_gradient(p, group)
                    kinds.setdefault(self.kind(p), []).append(p)
            for kind, params in kinds.items():
                self._update(group, params, kind)
        return loss

    def _check_gradient(self, param: Tensor, group: Mapping[str, Any]) -> None:
        sparse = is_sparse(param.grad)
        if self.gradients == "sparse" and not sparse:
            raise RuntimeError(f"{type(self).__name__} does not support dense gradients, please consider Adam instead")
        if self.gradients == "dense" and sparse:
            raise RuntimeError(
                f"{type(self).__name__} does not support sparse gradients, please consider SparseAdam instead"
            )

    def _update(self, group: dict[str, Any], params: list[Tensor], kind: Flags) -> None:
        plan = rely_on(f"the options of {type(self).__name__}", lambda: self._plan(group, kind), group)
        self._create_state(plan, group, params)
        if group.get("differentiable"):
            moved = {name: scalar_input(group, name) for name in self.hypers}
            record_update(update, plan, params, [self.state[p] for p in params], plan.names, moved)
            return
        states = [tuple(self.state[p][name] for name in plan.names) for p in params] if plan.names else []
        run = functools.partial(update_stacked, *self._alike(plan, params)) if is_tracing() else compiled_update
        new_params, new_states = run(
            plan,
            [unwrap(p) for p in params],
            [unwrap(grad) for p in params if (grad := p.grad) is not None],
            [tuple(unwrap(s) for s in state) for state in states],
            {name: _number(scalar_input(group, name)) for name in self.hypers},
        )
        for p, new in zip(params, new_params, strict=True):
            p._rebind(new)
        for state, new_state in zip(states, new_states, strict=True):
            for tensor, new in zip(state, new_state, strict=True):
                tensor._rebind(new)

    def _alike(self, plan: Plan, params: Sequence[Tensor]) -> tuple[Stacks | None, list[list[int]]]:
        """Where a compiled step may stack parameters, and which of them, by number."""
        stacks = None if modes.capture is None else modes.capture.stacks
        if stacks is None or not self.elementwise:
            return None, []
        kinds = [None if is_sparse(p.grad) else self._kind(plan, p) for p in params]
        return stacks, alike([unwrap(p) for p in params], kinds, stacks)

    def _kind(self, plan: Plan, p: Tensor) -> Any:
        """What two parameters have in common that may be updated as one; None where one may not."""
        tensors = [p, *(self.state[p][name] for name in plan.names)]
        arrays = list(map(unwrap, tensors))  # the trace knows them from now on
        places = [modes.capture.place(tensor) for tensor in tensors]  # type: ignore[union-attr]
        return None if None in places else tuple((a.shape, a.dtype, at) for a, at in zip(arrays, places, strict=True))

    def _plan(self, group: Mapping[str, Any], kind: Flags) -> Plan:
        common = (("maximize", bool(group.get("maximize", False))), ("decays", _decays(group)))
        flags: Flags = (*common, *self.flags(group).items(), *kind)
        key = (type(self), flags)
        if key not in _plans:
            rule = self.rule({**{name: group[name] for name in self.hypers}, **dict(flags)})
            names, _, tree = _take_apart(type(self), jax.eval_shape(rule.init, jax.ShapeDtypeStruct((), jnp.float32)))
            _plans[key] = Plan(type(self), flags, names, tree)
        return _plans[key]

    def _create_state(self, plan: Plan, group: Mapping[str, Any], params: list[Tensor]) -> None:
        new = [p for p in params if plan.names and not self.state.get(p, _NOTHING).keys() >= set(plan.names)]
        if not new:
            return
        bare = [p for p in new if p not in self.state]
        avals = tuple((tuple(p.shape), unwrap(p).dtype) for p in new)
        hypers = {name: _number(group[name]) for name in self.hypers}
        made: list[tuple[Tensor, str]] = []

        def build() -> None:
            for p, arrays in zip(new, _initial(plan, avals, hypers), strict=True):
                for name, array in zip(plan.names, arrays, strict=True):
                    if name not in self.state[p]:
                        self.state[p][name] = lasting(_beside(p, array))
                        made.append((p, name))

        def undo() -> None:
            for p, name in made:
                self.state.get(p, {}).pop(name, None)
            for p in bare:
                self.state.pop(p, None)

        materialize(build, undo)


_NOTHING: dict[str, Any] = {}


def _beside(p: Tensor, array: jax.Array) -> jax.Array:
    """``array``, split over devices as ``distributed.fully_shard`` split the parameter that it belongs to."""
    sharding = p.__dict__.get("_split")
    return array if sharding is None or array.shape != tuple(p.shape) else jax.device_put(array, sharding)


def _number(value: Any) -> Any:
    """An option as what JAX takes: a Tensor as its array, a tuple item by item."""
    if isinstance(value, tuple | list):
        return tuple(_number(v) for v in value)
    return unwrap(value) if isinstance(value, Tensor) else value


def _take_apart(cls: type[CompiledOptimizer], state: Any) -> tuple[tuple[str, ...], list[Any], Any]:
    leaves, tree = jax.tree_util.tree_flatten_with_path(state)
    return tuple(cls.names[path[-1].name] for path, _ in leaves), [leaf for _, leaf in leaves], tree


@functools.partial(jax.jit, static_argnums=(0, 1))
def _initial(plan: Plan, avals: tuple[Any, ...], hypers: dict[str, Any]) -> list[Arrays]:
    rule = plan.rule(hypers)
    states = []
    for shape, dtype in avals:
        p = jnp.zeros(shape, dtype)
        leaves = jax.tree.leaves(rule.init(as_real(p)))
        if jnp.iscomplexobj(p):  # its scalars stay real
            leaves = [as_old(p, x) if x.ndim else x for x in leaves]
        # torch counts in float32
        states.append(
            tuple(x.astype(jnp.float32) if n == "step" else x for n, x in zip(plan.names, leaves, strict=True))
        )
    return states
