"""The step that all optimizers share: one compiled call updates every parameter of a group."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fxtorch.autograd import enable_grad
from fxtorch.optim.differentiable import record_update
from fxtorch.optim.optimizer import Closure, Optimizer
from fxtorch.tensor import Tensor, is_tracing, materialize, rely_on, scalar_input, unwrap
from fxtorch.tensor.sparse import Stored, is_sparse
from fxtorch.tensor.tensor import state as lasting

Arrays = tuple[jax.Array, ...]
Flags = tuple[tuple[str, Any], ...]


class Plan(NamedTuple):
    """What a compiled step is made for: a class, its flags, and how one parameter's optax state is taken apart."""

    cls: type[CompiledOptimizer]
    flags: Flags
    names: tuple[str, ...]  # torch's name of each leaf of the state
    tree: Any

    def rule(self, hypers: Mapping[str, Any]) -> optax.GradientTransformation:
        """The transformation with these hyperparameters."""
        return self.cls.rule({**hypers, **dict(self.flags)})


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
        plan = rely_on(f"the options of {type(self).__name__}", lambda: self._plan(group, kind))
        self._create_state(plan, group, params)
        if group.get("differentiable"):
            moved = {name: scalar_input(group, name) for name in self.hypers}
            record_update(_update, plan, params, [self.state[p] for p in params], plan.names, moved)
            return
        states = [tuple(self.state[p][name] for name in plan.names) for p in params] if plan.names else []
        run = _update if is_tracing() else _compiled_update
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
        new = [p for p in params if plan.names and not self.state[p].keys() >= set(plan.names)]
        if not new:
            return
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

        materialize(build, undo)


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
        leaves = jax.tree.leaves(rule.init(_as_real(p)))
        if jnp.iscomplexobj(p):  # its scalars stay real
            leaves = [_as(p, x) if x.ndim else x for x in leaves]
        # torch counts in float32
        states.append(
            tuple(x.astype(jnp.float32) if n == "step" else x for n, x in zip(plan.names, leaves, strict=True))
        )
    return states


def _update(
    plan: Plan, params: list[jax.Array], grads: list[jax.Array], states: list[Arrays], hypers: dict[str, Any]
) -> tuple[list[jax.Array], list[Arrays]]:
    """The pure step: new parameters and new states."""
    rule, ascend = plan.rule(hypers), dict(plan.flags)["maximize"]
    new_params, new_states = [], []
    for p, g, state in zip(params, grads, states or [()] * len(params), strict=True):
        new, new_state = _one(plan, rule, p, _downhill(plan, g, ascend), state)
        new_params.append(new)
        new_states.append(new_state)
    return new_params, new_states if states else []


_compiled_update = jax.jit(_update, static_argnums=0)


def _one(
    plan: Plan, rule: optax.GradientTransformation, p: jax.Array, g: jax.Array, state: Arrays
) -> tuple[jax.Array, Arrays]:
    """One parameter's update; a complex parameter is a real one with twice the elements, as in torch."""
    old = [s.astype(jnp.int32) if name == "step" else _as_real(s) for name, s in zip(plan.names, state, strict=True)]
    real = _as_real(p)
    updates, new_state = rule.update(_as_real(g), jax.tree.unflatten(plan.tree, old), real)
    leaves = jax.tree.leaves(new_state)
    new = _moved(real, updates) if isinstance(updates, Stored) else optax.apply_updates(real, updates)
    return _as(p, new), tuple(_as(s, x) for s, x in zip(state, leaves, strict=True))


def _downhill(plan: Plan, g: Any, ascend: bool) -> Any:
    """The gradient as the rule wants it."""
    if isinstance(g, Stored) and plan.cls.gradients != "sparse":
        g = g.dense()
    if not ascend:
        return g
    return g.with_values(-g.values) if isinstance(g, Stored) else -g


def _moved(p: jax.Array, step: Stored) -> jax.Array:
    return p.at[step.places()].add(step.values)


def _as_real(x: Any) -> Any:
    if isinstance(x, Stored):
        return x
    return jnp.stack([x.real, x.imag], axis=-1) if jnp.iscomplexobj(x) else x


def _as(old: jax.Array, new: Any) -> jax.Array:
    """``new`` in the type of ``old``."""
    if jnp.iscomplexobj(old):
        return jax.lax.complex(new[..., 0], new[..., 1]).astype(old.dtype)
    return jnp.asarray(new).astype(old.dtype)
