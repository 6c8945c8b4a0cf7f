"""One recurrent layer in one direction, with a backward that does as little as it can inside the loop.

The input's product with its weights is one product before the scan.  Each cell's backward is linear in what comes
back, so that the forward keeps the factors: the backward scan only multiplies by them.  The gradients of all weights
and biases are one product over all steps after it, of ``[x, h, 1]`` and the gates' gradients.

What it costs, what else was tried and where it stops: docs/speed.md.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from fxtorch.ops.gradient import custom_gradient
from fxtorch.ops.scanning import scan_in_place


class Cell(NamedTuple):
    """The pointwise part of a recurrent cell.

    Attributes:
        forward: of the two products at a step and the state: the output, the next state, and the factors.
        backward: of the factors and the gradients of output and next state: those of the input's product and of the
            state.
        hidden: of the input product's gradient and the factors: the gradient of the hidden product.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    hidden: Callable[[Array, tuple[Array, ...]], Array]


def _lstm(xw: Array, hw: Array, c: Array) -> tuple[Array, Array, tuple[Array, ...]]:
    i, f, g, o = jnp.split(xw + hw, 4, -1)
    i, f, g, o = lax.logistic(i), lax.logistic(f), jnp.tanh(g), lax.logistic(o)
    new = f * c + i * g
    t = jnp.tanh(new)
    gates = jnp.concatenate([g * i * (1 - i), c * f * (1 - f), i * (1 - g * g), t * o * (1 - o)], -1)
    return o * t, new, (gates, o * (1 - t * t), f)


def _lstm_back(factors: tuple[Array, ...], dm: Array, dc: Array) -> tuple[Array, Array]:
    gates, inner, f = factors
    dc = dc + dm * inner
    return jnp.concatenate([g * d for g, d in zip(jnp.split(gates, 4, -1), (dc, dc, dc, dm), strict=True)], -1), dc * f


def _gru(xw: Array, hw: Array, h: Array) -> tuple[Array, Array, tuple[Array, ...]]:
    (xr, xz, xn), (hr, hz, hn) = jnp.split(xw, 3, -1), jnp.split(hw, 3, -1)
    r, z = lax.logistic(xr + hr), lax.logistic(xz + hz)
    n = jnp.tanh(xn + r * hn)
    new = n + z * (h - n)
    dn = (1 - z) * (1 - n * n)
    gates = jnp.concatenate([dn * hn * r * (1 - r), (h - n) * z * (1 - z), dn], -1)
    return new, new, (gates, z, r)


def _gru_back(factors: tuple[Array, ...], dm: Array, dh: Array) -> tuple[Array, Array]:
    gates, z, _ = factors
    dh = dh + dm
    return jnp.concatenate([g * dh for g in jnp.split(gates, 3, -1)], -1), dh * z


def _gru_hidden(d_xw: Array, factors: tuple[Array, ...]) -> Array:
    dr, dz, dn = jnp.split(d_xw, 3, -1)
    return jnp.concatenate([dr, dz, dn * factors[2]], -1)


def _plain(act: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Cell:
    def forward(xw: Array, hw: Array, state: Array) -> tuple[Array, Array, tuple[Array, ...]]:
        h = act(xw + hw)
        return h, state, (slope(h),)

    def backward(factors: tuple[Array, ...], dm: Array, ds: Array) -> tuple[Array, Array]:
        return dm * factors[0], ds

    return Cell(forward, backward, _same)


def _same(d_xw: Array, factors: tuple[Array, ...]) -> Array:
    return d_xw


CELLS = {
    "lstm": Cell(_lstm, _lstm_back, _same),
    "gru": Cell(_gru, _gru_back, _gru_hidden),
    "rnn_tanh": _plain(jnp.tanh, lambda h: 1 - h * h),
    "rnn_relu": _plain(lambda a: jnp.where(a <= 0, 0, a), lambda h: jnp.where(h > 0, 1, 0).astype(h.dtype)),
}
"""Each cell by torch's name.  The state carried beside the hidden one is the cell's own (LSTM) or the same (GRU)."""


class Weights(NamedTuple):
    """The parameters of a layer.

    Attributes:
        w_ih: ``(gates, features)``, and ``w_hh``: ``(gates, H)``.
        b_ih: ``(gates,)``, and ``b_hh``: both, or neither.
        w_hr: ``(H, C)``, a projection of the cell's output, or absent.
    """

    w_ih: Array
    w_hh: Array
    b_ih: Array | None
    b_hh: Array | None
    w_hr: Array | None


def _run(
    x: Array, weights: Weights, h0: Array, s0: Array, mask: Array | None, kind: str, reverse: bool
) -> tuple[tuple[Array, Array, Array], tuple[Any, Array | None]]:
    """The outputs and last states, and for each step the factors and what is projected."""
    cell = CELLS[kind]
    xw = jnp.matmul(x, weights.w_ih.T)
    xw = xw if weights.b_ih is None else xw + weights.b_ih

    def step(consts: tuple[Any, ...], carry: tuple[Array, Array], at: tuple[Array, Array | None]) -> tuple[Any, Any]:
        across, bias, out_across = consts
        h, s = carry
        xw, live = at
        hw = h @ across
        m, new_s, factors = cell.forward(xw, hw if bias is None else hw + bias, s)
        new_h = m if out_across is None else m @ out_across
        y = new_h
        if live is not None:
            keep = live[:, None]
            y, new_h, new_s = jnp.where(keep, new_h, 0), jnp.where(keep, new_h, h), jnp.where(keep, new_s, s)
        return (new_h, new_s), (y, factors, None if out_across is None else m)

    consts = (weights.w_hh.T, weights.b_hh, None if weights.w_hr is None else weights.w_hr.T)
    (h, s), (ys, factors, inner) = scan_in_place(step, reverse, consts, (h0, s0), (xw, mask))
    return (ys, h, s), (factors, inner)


@functools.partial(custom_gradient, static=(5, 6))
def recurrent_layer(
    x: Array, weights: Weights, h0: Array, s0: Array, mask: Array | None, kind: str, reverse: bool
) -> tuple[Array, Array, Array]:
    """A layer over ``(T, B, features)``.

    Args:
        x: the input.
        weights: the parameters.
        h0: ``(B, H)``, the first hidden state.
        s0: ``(B, C)``, the first state beside it.
        mask: ``(T, B)``, true where a sequence has a step; elsewhere states stay and the output is 0.
        kind: a key of :data:`CELLS`.
        reverse: from the last step to the first.

    Returns:
        The outputs ``(T, B, H)`` and the last two states.
    """
    return _run(x, weights, h0, s0, mask, kind, reverse)[0]


def _layer_fwd(
    x: Array, weights: Weights, h0: Array, s0: Array, mask: Array | None, kind: str, reverse: bool
) -> tuple[tuple[Array, Array, Array], tuple[Any, ...]]:
    out, kept = _run(x, weights, h0, s0, mask, kind, reverse)
    return out, (x, weights, h0, mask, out[0], *kept)


def _before(first: Array, steps: Array, reverse: bool) -> Array:
    """For each step what came before it in the order of the scan."""
    first = first[None]
    return jnp.concatenate([steps[1:], first] if reverse else [first, steps[:-1]])


def _product(d: Array, *inputs: Array) -> list[Array]:
    """``sum d x^T`` over steps and batch for each ``x`` of ``inputs``, and ``sum d``: one product of two matrices."""
    ones = jnp.ones((*d.shape[:2], 1), d.dtype)
    rows = jnp.concatenate([*inputs, ones], -1).reshape(-1, sum(x.shape[-1] for x in inputs) + 1)
    # the barrier keeps XLA from exchanging the operands, which takes half as long again
    out = lax.optimization_barrier(lax.dot_general(rows, d.reshape(-1, d.shape[-1]), (((0,), (0,)), ((), ())))).T
    *whole, total = jnp.split(out, [sum(x.shape[-1] for x in inputs[: i + 1]) for i in range(len(inputs))], -1)
    return [*whole, total[:, 0]]


def _layer_bwd(kind: str, reverse: bool, kept: tuple[Any, ...], cotangents: tuple[Array, Array, Array]) -> tuple:
    x, weights, h0, mask, ys, factors, inner = kept
    dys, dh, ds = cotangents
    cell = CELLS[kind]

    def step(consts: tuple[Any, ...], carry: tuple[Array, Array], at: tuple[Any, ...]) -> tuple[Any, Any]:
        w_hh, w_hr = consts
        dh, ds = carry
        factors_t, dy, live = at
        total = dy + dh if live is None else jnp.where(live[:, None], dy + dh, 0)
        own = ds if live is None else jnp.where(live[:, None], ds, 0)
        dm = total if w_hr is None else total @ w_hr
        d_xw, d_state = cell.backward(factors_t, dm, own)
        d_prev = cell.hidden(d_xw, factors_t) @ w_hh
        if live is not None:
            keep = live[:, None]
            d_prev, d_state = jnp.where(keep, d_prev, dh), jnp.where(keep, d_state, ds)
        return (d_prev, d_state), (d_xw, None if w_hr is None else total)

    consts = (weights.w_hh, weights.w_hr)
    (dh0, ds0), (d_xw, totals) = scan_in_place(step, not reverse, consts, (dh, ds), (factors, dys, mask))
    previous = _before(h0, ys, reverse)
    if mask is not None:
        started = _before(jnp.zeros_like(mask[0]), mask, reverse)[..., None]
        previous = jnp.where(started, previous, h0)
    if cell.hidden is _same:
        dw_ih, dw_hh, db_ih = _product(d_xw, x, previous)
        db_hh = db_ih
    else:
        (dw_ih, db_ih), (dw_hh, db_hh) = _product(d_xw, x), _product(cell.hidden(d_xw, factors), previous)
    dw_hr = None if weights.w_hr is None else _product(totals, inner)[0]
    biases = (None, None) if weights.b_ih is None else (db_ih, db_hh)
    return jnp.matmul(d_xw, weights.w_ih), Weights(dw_ih, dw_hh, *biases, dw_hr), dh0, ds0, None


recurrent_layer.defvjp(_layer_fwd, _layer_bwd)
