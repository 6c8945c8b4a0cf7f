"""Any optax transformation as an optimizer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.interpreters.partial_eval import dce_jaxpr

from fxtorch.autograd import enable_grad
from fxtorch.optim.optimizer import Closure, Optimizer, Params
from fxtorch.tensor import Tensor, is_tracing, materialize, once_eagerly, scalar_input, unwrap
from fxtorch.tensor.tensor import state as lasting

Rule = optax.GradientTransformation | optax.MultiSteps | Callable[..., optax.GradientTransformation]


class Optax(Optimizer):
    """An optimizer made of any optax transformation.

    Args:
        params: Tensors, or parameter groups; the transformation sees all parameters as one list.
        tx: a transformation, or a function that makes one of numbers (``optax.lion``, ``optax.adafactor``).
        hypers: those numbers, by name.  They are ``param_groups[0]``'s options and inputs of the compiled step, so
            that schedulers work and never recompile; ``lr`` is passed on as optax's ``learning_rate``.

    A parameter without a gradient stays as it is, and ``tx`` sees a gradient of zeros for it.  ``state["optax"]`` holds
    the transformation's state, each leaf under its path.

    Raises:
        TypeError: ``hypers`` are given for a transformation that is already made.

    Example:
        >>> import optax
        >>> import fxtorch as torch
        >>> w = torch.tensor([1.0, -1.0], requires_grad=True)
        >>> opt = torch.optim.Optax([w], optax.sign_sgd, lr=0.25)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> w
        tensor([ 0.7500, -0.7500], requires_grad=True)
    """

    def __init__(self, params: Params, tx: Rule, **hypers: Any) -> None:
        if hypers and isinstance(tx, optax.GradientTransformation | optax.MultiSteps):
            raise TypeError(
                f"Optax(params, tx, {', '.join(hypers)}=...) needs a function that makes the transformation"
            )
        super().__init__(params, hypers)
        self._rule = tx
        self._hypers = tuple(hypers)
        self._compiled = jax.jit(functools.partial(_update, self._make))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_rule": self._rule, "_hypers": self._hypers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._compiled = jax.jit(functools.partial(_update, self._make))

    def _make(self, hypers: dict[str, Any]) -> optax.GradientTransformationExtraArgs:
        if isinstance(self._rule, optax.GradientTransformation):
            return optax.with_extra_args_support(self._rule)
        if isinstance(self._rule, optax.MultiSteps):
            return optax.with_extra_args_support(self._rule.gradient_transformation())
        named = {"learning_rate" if name == "lr" else name: value for name, value in hypers.items()}
        return optax.with_extra_args_support(self._rule(**named))

    def step(self, closure: Closure | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: reevaluates the model, calls ``backward()`` and returns the loss, which ``tx`` gets as ``value``.

        Returns:
            what ``closure`` returned, or ``None``.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        params: list[Tensor] = [p for group in self.param_groups for p in group["params"]]
        state = self._state(params)
        hypers = {name: scalar_input(self.param_groups[0], name) for name in self._hypers}
        arrays = [unwrap(p) for p in params]
        grads = [None if p.grad is None else unwrap(p.grad) for p in params]
        value = unwrap(loss) if isinstance(loss, Tensor) else None
        run = functools.partial(_update, self._make) if is_tracing() else self._compiled
        new_params, leaves = run(arrays, grads, [unwrap(s) for s in state.values()], hypers, value)
        for p, g, new in zip(params, grads, new_params, strict=True):
            if g is not None:
                p._rebind(new)
        for tensor, leaf in zip(state.values(), leaves, strict=True):
            tensor._rebind(leaf)
        return loss

    def _state(self, params: list[Tensor]) -> dict[str, Tensor]:
        kept = self.state["optax"]
        if not kept:
            hypers = {name: self.param_groups[0][name] for name in self._hypers}
            tx = self._make(hypers)
            begin = [jnp.zeros(tuple(p.shape), unwrap(p).dtype) for p in params]
            if not is_tracing():
                begin = [jnp.array(unwrap(p)) for p in params]
            elif _starts_from_values(tx, begin):
                once_eagerly("the state of this optax transformation begins as the parameters are: step() once before")

            def build() -> None:
                found = _init(tx, begin)
                kept.update({path: lasting(array) for path, array in found.items()})

            materialize(build, kept.clear)
        return kept


def _starts_from_values(tx: optax.GradientTransformation, params: list[jax.Array]) -> bool:
    """Whether what ``init`` gives depends on the values of the parameters, not on their shapes and types alone."""
    jaxpr = jax.make_jaxpr(tx.init)(params).jaxpr
    return any(dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))[1])


def _init(tx: optax.GradientTransformation, params: list[jax.Array]) -> dict[str, jax.Array]:
    leaves = jax.tree_util.tree_leaves_with_path(tx.init(params))
    return {jax.tree_util.keystr(path): _numbers(leaf) for path, leaf in leaves}


def _numbers(leaf: Any) -> jax.Array:
    """A leaf of a state as an array of numbers, a random key too: files know no keys."""
    return jax.random.key_data(leaf) if _is_key(leaf) else jnp.asarray(leaf)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _update(
    make: Callable[..., optax.GradientTransformationExtraArgs],
    params: list[jax.Array],
    grads: list[jax.Array | None],
    leaves: list[jax.Array],
    hypers: dict[str, Any],
    value: jax.Array | None,
) -> tuple[Any, list[jax.Array]]:
    tx = make(hypers)
    kinds: list[Any] = []  # of the random keys in the state

    def begin(params: list[jax.Array]) -> Any:
        state = tx.init(params)
        kinds[:] = [jax.random.key_impl(x) if _is_key(x) else None for x in jax.tree.leaves(state)]
        return state

    tree = jax.tree.structure(jax.eval_shape(begin, params))
    held = [
        x if kind is None else jax.random.wrap_key_data(x, impl=kind) for x, kind in zip(leaves, kinds, strict=True)
    ]
    full = [jnp.zeros_like(p) if g is None else g for p, g in zip(params, grads, strict=True)]
    extra = {} if value is None else {"value": value}
    updates, state = tx.update(full, jax.tree.unflatten(tree, held), params, **extra)
    new = [_numbers(x).astype(old.dtype) for x, old in zip(jax.tree.leaves(state), leaves, strict=True)]
    return optax.apply_updates(params, updates), new
