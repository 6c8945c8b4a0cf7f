"""Draws whose parameters are arrays: gamma, Dirichlet, binomial, von Mises."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fxtorch.ops.checks import check_broadcast
from fxtorch.ops.dtypes import cast, default_float, is_float
from fxtorch.ops.random import wrap_key
from fxtorch.ops.table import Array, Key, op


def _exact(input: Array, name: str) -> Array:
    """``input`` in a type that the samplers are exact in: half precision is drawn in single."""
    if not is_float(input.dtype):
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype.name!r}')
    return input if input.dtype in (np.float32, np.float64) else cast(input, jnp.float32)


@op(saves="residuals")
def _standard_gamma(input: Array, *, key: Key) -> Array:
    """Gamma draws of shapes ``input`` and rate 1, differentiable in the shapes.

    The derivative is that of the sample at a fixed quantile, ``-(dF/da) / p``.
    Source: Figurnov et al., "Implicit Reparameterization Gradients" (2018); jax.random.gamma.

    >>> _standard_gamma(jnp.float32([1, 2]), key=jnp.uint32([0, 0])).shape
    (2,)
    """
    shape = _exact(input, "_standard_gamma")
    drawn = jax.random.gamma(wrap_key(key), shape, dtype=shape.dtype)
    return cast(jnp.maximum(drawn, jnp.finfo(shape.dtype).tiny), input.dtype)


@op(saves="residuals")
def _sample_dirichlet(input: Array, *, key: Key) -> Array:
    """Dirichlet draws, the concentrations in the last dimension, differentiable in them.

    Gamma draws divided by their sum, in logarithms, so that small concentrations do not underflow to 0 / 0.
    """
    concentration = _exact(input, "_sample_dirichlet")
    logs = jax.random.loggamma(wrap_key(key), concentration, dtype=concentration.dtype)
    return cast(jax.nn.softmax(logs, axis=-1), input.dtype)


@op(differentiable=False)
def binomial(count: Array, prob: Array, *, key: Key) -> Array:
    """The number of successes in ``count`` trials of probability ``prob``, in the type of ``count``.

    Raises:
        NotImplementedError: ``count`` and ``prob`` are not of one floating type.
        RuntimeError: they do not broadcast together.
    """
    trials = _exact(count, "binomial_cpu")
    if count.dtype != prob.dtype:
        raise NotImplementedError(f"binomial: expected count and prob of one type, got {count.dtype} and {prob.dtype}")
    check_broadcast(count.shape, prob.shape)
    chance = cast(prob, trials.dtype)
    shape = jnp.broadcast_shapes(count.shape, prob.shape)
    drawn = jax.random.binomial(wrap_key(key), trials, chance, shape, dtype=trials.dtype)
    return cast(drawn, count.dtype)


@op(name="_von_mises", where=("distributions",), differentiable=False)
def von_mises(loc: Array, concentration: Array, size: tuple[int, ...], *, key: Key) -> Array:
    """Von Mises draws of shape ``size`` in [-pi, pi).

    An angle is proposed from a wrapped Cauchy law and kept with the ratio of the densities; every element repeats until
    its own proposal is kept.  Source: Best and Fisher, "Efficient Simulation of the von Mises Distribution" (1979).
    """
    dtype = jnp.result_type(loc) if is_float(jnp.result_type(loc)) else default_float()
    kappa = cast(concentration, jnp.float64 if jax.config.read("jax_enable_x64") else jnp.float32)
    tau = 1 + jnp.sqrt(1 + 4 * kappa**2)
    rho = (tau - jnp.sqrt(2 * tau)) / (2 * kappa)
    # Near 0 the ratio cancels: its series is 1 / kappa + kappa.
    ratio = jnp.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        return ~jnp.all(state[1])

    def propose(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        angle, done, key = state
        key, drawn = jax.random.split(wrap_key(key))
        u1, u2, u3 = jax.random.uniform(drawn, (3, *size), kappa.dtype, minval=jnp.finfo(kappa.dtype).tiny)
        z = jnp.cos(math.pi * u1)
        f = (1 + ratio * z) / (ratio + z)
        c = kappa * (ratio - f)
        kept = (c * (2 - c) > u2) | (jnp.log(c / u2) + 1 - c >= 0)
        found = jnp.sign(u3 - 0.5) * jnp.arccos(jnp.clip(f, -1, 1))
        return jnp.where(done, angle, found), done | kept, jax.random.key_data(key)

    start = (jnp.zeros(size, kappa.dtype), jnp.zeros(size, jnp.bool_), key)
    angle = lax.while_loop(unfinished, propose, start)[0]
    return cast(jnp.mod(angle + cast(loc, kappa.dtype) + math.pi, 2 * math.pi) - math.pi, dtype)
