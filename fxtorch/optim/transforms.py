"""The optax transformations that torch's optimizers need and optax lacks, or defines by another formula.

Each is an ordinary ``optax.GradientTransformation`` over any pytree; every hyperparameter may be traced.  In the
formulas ``g`` is the incoming update (the gradient), ``p`` the parameter, ``t`` the number of this step, from 1.
Scalars such as ``1 - b1**t`` are computed once, in the precision of a Python float, and then take the array's type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

Scalar = Any


class CountState(NamedTuple):
    """The number of steps taken."""

    count: jax.Array


class DampedTraceState(NamedTuple):
    """Momentum with dampening: the number of steps and the running sum."""

    count: jax.Array
    trace: Any


class SumOfSquaresState(NamedTuple):
    """Adagrad's number of steps and sum of squared gradients."""

    count: jax.Array
    sum_of_squares: Any


class AmsgradState(NamedTuple):
    """Adam's moments and the largest second moment so far."""

    count: jax.Array
    mu: Any
    nu: Any
    nu_max: Any


class NadamState(NamedTuple):
    """Adam's moments and the product of the momentum schedule so far."""

    count: jax.Array
    mu_product: Any
    mu: Any
    nu: Any


class RpropState(NamedTuple):
    """The number of steps, the last gradient and each element's step size."""

    count: jax.Array
    prev: Any
    step_size: Any


class AveragedState(NamedTuple):
    """ASGD's number of steps, its step size, its averaging weight and the average."""

    count: jax.Array
    eta: Any
    weight: Any
    average: Any


def _map(fn: Callable[..., Any], *trees: Any) -> Any:
    return jax.tree.map(fn, *trees)


def _like(scalar: Scalar, array: jax.Array) -> jax.Array:
    """``scalar`` in the array's own type, so that it never promotes the array."""
    return jnp.asarray(scalar).astype(array.dtype)


def _zero_count() -> jax.Array:
    return jnp.zeros((), jnp.int32)


def _ema(decay: Scalar, old: Any, new: Any) -> Any:
    return _map(lambda o, n: decay * o + (1 - decay) * n, old, new)


def _square(tree: Any) -> Any:
    return _map(lambda x: x * x, tree)


def weight_decay(o: Mapping[str, Any]) -> optax.GradientTransformation:
    """``g + weight_decay p``; where the option is 0 the parameters, which are as large as all else, are not read."""
    return optax.add_decayed_weights(o["weight_decay"]) if o["decays"] else optax.identity()


def decayed_step(moments: optax.GradientTransformation, o: Mapping[str, Any]) -> optax.GradientTransformation:
    """A step of size ``lr`` along ``moments``; ``weight_decay p`` joins them, or before them the gradient."""
    pieces = (moments, weight_decay(o)) if o["decoupled"] else (weight_decay(o), moments)
    return optax.chain(*pieces, optax.scale_by_learning_rate(o["lr"]))


def count_steps() -> optax.GradientTransformation:
    """Leave the updates as they are and count the steps."""

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, CountState]:
        return updates, CountState(state.count + 1)

    return optax.GradientTransformation(lambda params: CountState(_zero_count()), update)


def damped_trace(decay: Scalar, dampening: Scalar) -> optax.GradientTransformation:
    """``b = decay * b + (1 - dampening) * g``; at the first step ``b = g``, undamped."""

    def init(params: Any) -> DampedTraceState:
        return DampedTraceState(_zero_count(), optax.tree.zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, DampedTraceState]:
        fresh = jnp.where(state.count == 0, 1.0, 1 - dampening)
        trace = _map(lambda g, b: decay * b + _like(fresh, g) * g, updates, state.trace)
        return trace, DampedTraceState(state.count + 1, trace)

    return optax.GradientTransformation(init, update)


def scale_by_adagrad(lr_decay: Scalar, eps: Scalar, initial: Scalar) -> optax.GradientTransformation:
    """``s = s + g**2``; ``g / (sqrt(s) + eps) / (1 + (t - 1) * lr_decay)``: eps is outside the root."""

    def init(params: Any) -> SumOfSquaresState:
        return SumOfSquaresState(_zero_count(), _map(lambda p: jnp.full_like(p, initial), params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, SumOfSquaresState]:
        total = _map(lambda s, g: s + g * g, state.sum_of_squares, updates)
        rate = 1 / (1 + state.count * lr_decay)
        scaled = _map(lambda g, s: _like(rate, g) * g / (jnp.sqrt(s) + eps), updates, total)
        return scaled, SumOfSquaresState(state.count + 1, total)

    return optax.GradientTransformation(init, update)


def scale_by_amsgrad(b1: Scalar, b2: Scalar, eps: Scalar) -> optax.GradientTransformation:
    """Adam whose denominator uses the largest second moment so far, *before* its bias is corrected."""

    def init(params: Any) -> AmsgradState:
        zeros = optax.tree.zeros_like(params)
        return AmsgradState(_zero_count(), zeros, zeros, zeros)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AmsgradState]:
        count = state.count + 1
        mu, nu = _ema(b1, state.mu, updates), _ema(b2, state.nu, _square(updates))
        nu_max = _map(jnp.maximum, state.nu_max, nu)
        first, second = 1 / (1 - b1**count), 1 / jnp.sqrt(1 - b2**count)
        scaled = _map(lambda m, v: _like(first, m) * m / (jnp.sqrt(v) * _like(second, v) + eps), mu, nu_max)
        return scaled, AmsgradState(count, mu, nu, nu_max)

    return optax.GradientTransformation(init, update)


def scale_by_nadam(b1: Scalar, b2: Scalar, eps: Scalar, momentum_decay: Scalar) -> optax.GradientTransformation:
    """Adam with Nesterov momentum whose momentum follows ``b1 * (1 - 0.96**(t * momentum_decay) / 2)``.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """

    def momentum(count: jax.Array) -> jax.Array:
        return b1 * (1 - 0.5 * 0.96 ** (count * momentum_decay))

    def init(params: Any) -> NadamState:
        zeros = optax.tree.zeros_like(params)
        return NadamState(_zero_count(), jnp.ones((), jnp.float32), zeros, zeros)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, NadamState]:
        count = state.count + 1
        now, ahead = momentum(count), momentum(count + 1)
        product = state.mu_product * now
        mu, nu = _ema(b1, state.mu, updates), _ema(b2, state.nu, _square(updates))
        of_g, of_m, of_v = (1 - now) / (1 - product), ahead / (1 - product * ahead), 1 / (1 - b2**count)

        def scaled(g: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
            return (_like(of_g, g) * g + _like(of_m, m) * m) / (jnp.sqrt(_like(of_v, v) * v) + eps)

        return _map(scaled, updates, mu, nu), NadamState(count, product, mu, nu)

    return optax.GradientTransformation(init, update)


def scale_by_radam(b1: Scalar, b2: Scalar, eps: Scalar) -> optax.GradientTransformation:
    """Adam with its variance rectified; plain momentum while too few steps are seen (``rho_t <= 5``).

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", 2020.
    """

    def init(params: Any) -> optax.ScaleByAdamState:
        zeros = optax.tree.zeros_like(params)
        return optax.ScaleByAdamState(count=_zero_count(), mu=zeros, nu=zeros)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, optax.ScaleByAdamState]:
        count = jnp.asarray(state.count) + 1
        mu, nu = _ema(b1, state.mu, updates), _ema(b2, state.nu, _square(updates))
        limit = 2 / (1 - b2) - 1
        rho = limit - 2 * count * b2**count / (1 - b2**count)
        trusted = rho > 5
        # where's untaken branch must stay finite: rho is below 4 in the first steps
        safe = jnp.where(trusted, rho, 6.0)
        root = jnp.sqrt((safe - 4) * (safe - 2) * limit / ((limit - 4) * (limit - 2) * safe) * (1 - b2**count))
        first = 1 / (1 - b1**count)

        def scaled(m: jax.Array, v: jax.Array) -> jax.Array:
            hat = _like(first, m) * m
            return jnp.where(trusted, hat * _like(root, m) / (jnp.sqrt(v) + eps), hat)

        return _map(scaled, mu, nu), optax.ScaleByAdamState(count=count, mu=mu, nu=nu)

    return optax.GradientTransformation(init, update)


def rprop(lr: Scalar, etas: tuple[Scalar, Scalar], sizes: tuple[Scalar, Scalar]) -> optax.GradientTransformation:
    """Move by ``-sign(g) * size``, where ``size`` grows while the sign holds and shrinks when it turns.

    An element whose sign turned does not move, and counts as having had gradient 0.
    """
    shrink, grow = etas

    def init(params: Any) -> RpropState:
        return RpropState(_zero_count(), optax.tree.zeros_like(params), _map(lambda p: jnp.full_like(p, lr), params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, RpropState]:
        agreement = _map(lambda g, prev: jnp.sign(g * prev), updates, state.prev)

        def resize(size: jax.Array, sign: jax.Array) -> jax.Array:
            factor = jnp.where(sign > 0, _like(grow, size), jnp.where(sign < 0, _like(shrink, size), _like(1, size)))
            return jnp.clip(size * factor, _like(sizes[0], size), _like(sizes[1], size))

        size = _map(resize, state.step_size, agreement)
        kept = _map(lambda g, sign: jnp.where(sign < 0, jnp.zeros_like(g), g), updates, agreement)
        moves = _map(lambda g, s: -jnp.sign(g) * s, kept, size)
        return moves, RpropState(state.count + 1, kept, size)

    return optax.GradientTransformation(init, update)


def asgd(lr: Scalar, lambd: Scalar, alpha: Scalar, t0: Scalar) -> optax.GradientTransformation:
    """``p = p * (1 - lambd * eta) - eta * g``, and the average of ``p`` over the steps from ``t0`` on.

    ``eta = lr / (1 + lambd * lr * t)**alpha``; the average moves by ``1 / max(1, t - t0)``; both take effect at the
    next step.  Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
    """

    def init(params: Any) -> AveragedState:
        eta, weight = jnp.asarray(lr, jnp.float32), jnp.ones((), jnp.float32)
        return AveragedState(_zero_count(), eta, weight, optax.tree.zeros_like(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, AveragedState]:
        count = state.count + 1
        moves = _map(lambda g, p: -_like(state.eta, p) * (lambd * p + g), updates, params)
        average = _map(lambda a, p, u: a + _like(state.weight, p) * (p + u - a), state.average, params, moves)
        eta = lr / (1 + lambd * lr * count) ** alpha
        weight = 1 / jnp.maximum(1.0, count - t0)
        return moves, AveragedState(count, eta, weight, average)

    return optax.GradientTransformation(init, update)
