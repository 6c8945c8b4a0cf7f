"""The pure step of an optimizer: arrays and numbers in, arrays out."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fxtorch.tensor.sparse import Stored
from fxtorch.tensor.stacks import Stacks

if TYPE_CHECKING:
    from fxtorch.optim.compiled import CompiledOptimizer

Arrays = tuple[jax.Array, ...]
Flags = tuple[tuple[str, Any], ...]

_FEWEST = 4  # parameters of one shape that are worth a stack
_SMALL = 2**12  # elements of a parameter, on average, up to which a step is mostly the start of its kernels


class Plan(NamedTuple):
    """What a compiled step is made for: a class, its flags, and how one parameter's optax state is taken apart."""

    cls: type[CompiledOptimizer]
    flags: Flags
    names: tuple[str, ...]  # torch's name of each leaf of the state
    tree: Any

    def rule(self, hypers: Mapping[str, Any]) -> optax.GradientTransformation:
        """The transformation with these hyperparameters."""
        return self.cls.rule({**hypers, **dict(self.flags)})

    def __repr__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.flags)


def update(
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


compiled_update = jax.jit(update, static_argnums=0)


def alike(params: Sequence[jax.Array], kinds: Sequence[Any], stacks: Stacks) -> list[list[int]]:
    """Which parameters to update as one, by number: those that are one stack already; of a small model all of a kind.

    Stacks that are not there already cost a copy of each row, and longer to compile: half the time of a step of 4
    layers of width 64 is saved, and nothing of one of 6 transformer blocks of that width.

    Args:
        params: all parameters of a group.
        kinds: of each, what must be equal; None for one that stays alone.
        stacks: what is stacked in this trace.
    """
    places = {id(p): i for i, p in enumerate(params) if kinds[i] is not None}
    small = sum(p.size for p in params) <= _SMALL * len(params)
    found: list[list[int]] = []
    by_kind: dict[Any, list[int]] = {}
    for i in places.values():
        rows = [places.get(id(row), -1) for row in stacks.siblings(params[i]) or ()]
        if rows and -1 not in rows and len({kinds[k] for k in rows}) == 1:
            if rows[0] == i:
                found.append(rows)
        elif small:
            by_kind.setdefault(kinds[i], []).append(i)
    return found + [each for each in by_kind.values() if len(each) >= _FEWEST]


def update_stacked(
    stacks: Stacks | None,
    sets: Sequence[Sequence[int]],
    plan: Plan,
    params: Sequence[jax.Array],
    grads: Sequence[jax.Array],
    states: Sequence[Arrays],
    hypers: dict[str, Any],
) -> tuple[list[jax.Array], list[Arrays]]:
    """:func:`update`, of each of ``sets`` of parameters as one."""
    rule, ascend = plan.rule(hypers), dict(plan.flags)["maximize"]
    step = jax.vmap(functools.partial(_one, plan, rule))
    new: dict[int, tuple[jax.Array, Arrays]] = {}
    for places in sets:
        assert stacks is not None
        p, g, *state = (stacks.whole([row[i] for i in places]) for row in (params, grads, *zip(*states, strict=True)))
        moved, kept = step(p, _downhill(plan, g, ascend), tuple(state))
        rows = zip(stacks.rows(moved), *map(stacks.rows, kept), strict=True)
        new |= {i: (row, tuple(rest)) for i, (row, *rest) in zip(places, rows, strict=True)}
    alone = [i for i in range(len(params)) if i not in new]
    others = update(
        plan, [params[i] for i in alone], [grads[i] for i in alone], [states[i] for i in alone if states], hypers
    )
    new |= {i: (p, state) for i, p, state in zip(alone, others[0], others[1] or [()] * len(alone), strict=True)}
    return [new[i][0] for i in range(len(params))], [new[i][1] for i in range(len(params))] if states else []


def _one(
    plan: Plan, rule: optax.GradientTransformation, p: jax.Array, g: jax.Array, state: Arrays
) -> tuple[jax.Array, Arrays]:
    """One parameter's update; a complex parameter is a real one with twice the elements, as in torch."""
    old = [s.astype(jnp.int32) if name == "step" else as_real(s) for name, s in zip(plan.names, state, strict=True)]
    real = as_real(p)
    updates, new_state = rule.update(as_real(g), jax.tree.unflatten(plan.tree, old), real)
    leaves = jax.tree.leaves(new_state)
    new = _moved(real, updates) if isinstance(updates, Stored) else optax.apply_updates(real, updates)
    return as_old(p, new), tuple(as_old(s, x) for s, x in zip(state, leaves, strict=True))


def _downhill(plan: Plan, g: Any, ascend: bool) -> Any:
    """The gradient as the rule wants it."""
    if isinstance(g, Stored) and plan.cls.gradients != "sparse":
        g = g.dense()
    if not ascend:
        return g
    return g.with_values(-g.values) if isinstance(g, Stored) else -g


def _moved(p: jax.Array, step: Stored) -> jax.Array:
    return p.at[step.places()].add(step.values)


def as_real(x: Any) -> Any:
    """``x`` with the real and the imaginary part of a complex number as two."""
    if isinstance(x, Stored):
        return x
    return jnp.stack([x.real, x.imag], axis=-1) if jnp.iscomplexobj(x) else x


def as_old(old: jax.Array, new: Any) -> jax.Array:
    """``new`` in the type of ``old``."""
    if jnp.iscomplexobj(old):
        return jax.lax.complex(new[..., 0], new[..., 1]).astype(old.dtype)
    return jnp.asarray(new).astype(old.dtype)
