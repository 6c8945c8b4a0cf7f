"""One recurrent layer in one direction, with a backward that does as little as it can inside the loop.

The input's product with its weights is one product before the scan.  The backward scan produces only the gradients of
the gates; those of the weights are one product over all steps after it.  At 64 sequences of 200 steps, 100 to 128
features, on two busy cores: 409 and 434 ms in two runs, JAX's derivative of the same scan 387 and 511, so no gain is
proved yet.

A cell is two pointwise functions: ``forward(xw, hw, state) -> (out, state, saved)`` of the two products at a step, and
``backward(saved, state, before, d_out, d_state) -> (d_xw, d_before)``.  A GRU's hidden state is its state too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from fxtorch.ops.gradient import custom_gradient


class Cell(NamedTuple):
    """The pointwise part of a recurrent cell, and how the hidden product's gradient follows from the input's."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    hidden: Callable[[Array, Array], Array]


def _lstm(xw: Array, hw: Array, c: Array) -> tuple[Array, Array, Array]:
    i, f, g, o = jnp.split(xw + hw, 4, -1)
    i, f, g, o = lax.logistic(i), lax.logistic(f), jnp.tanh(g), lax.logistic(o)
    c = f * c + i * g
    return o * jnp.tanh(c), c, jnp.concatenate([i, f, g, o], -1)


def _lstm_back(saved: Array, c: Array, before: Array, dm: Array, dc: Array) -> tuple[Array, Array]:
    i, f, g, o = jnp.split(saved, 4, -1)
    t = jnp.tanh(c)
    dc = dc + dm * o * (1 - t * t)
    d = [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g), dm * t * o * (1 - o)]
    return jnp.concatenate(d, -1), dc * f


def _gru(xw: Array, hw: Array, h: Array) -> tuple[Array, Array, Array]:
    (xr, xz, xn), (hr, hz, hn) = jnp.split(xw, 3, -1), jnp.split(hw, 3, -1)
    r, z = lax.logistic(xr + hr), lax.logistic(xz + hz)
    n = jnp.tanh(xn + r * hn)
    h = n + z * (h - n)
    return h, h, jnp.concatenate([r, z, n, hn], -1)


def _gru_back(saved: Array, h: Array, before: Array, dm: Array, dh: Array) -> tuple[Array, Array]:
    r, z, n, hn = jnp.split(saved, 4, -1)
    dh = dh + dm
    dn = dh * (1 - z) * (1 - n * n)
    dr = dn * hn * r * (1 - r)
    return jnp.concatenate([dr, dh * (before - n) * z * (1 - z), dn], -1), dh * z


def _gru_hidden(d_xw: Array, saved: Array) -> Array:
    dr, dz, dn = jnp.split(d_xw, 3, -1)
    return jnp.concatenate([dr, dz, dn * jnp.split(saved, 4, -1)[0]], -1)


def _plain(act: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Cell:
    def forward(xw: Array, hw: Array, state: Array) -> tuple[Array, Array, Array]:
        h = act(xw + hw)
        return h, state, h

    def backward(saved: Array, state: Array, before: Array, dm: Array, ds: Array) -> tuple[Array, Array]:
        return dm * slope(saved), ds

    return Cell(forward, backward, lambda d_xw, saved: d_xw)


CELLS = {
    "lstm": Cell(_lstm, _lstm_back, lambda d_xw, saved: d_xw),
    "gru": Cell(_gru, _gru_back, _gru_hidden),
    "rnn_tanh": _plain(jnp.tanh, lambda h: 1 - h * h),
    "rnn_relu": _plain(lambda a: jnp.where(a <= 0, 0, a), lambda h: jnp.where(h > 0, 1, 0).astype(h.dtype)),
}
"""Each cell by torch's name.  The state carried beside the hidden one is the cell's own (LSTM) or the same (GRU)."""


def _run(
    xw: Array,
    w: Array,
    b: Array,
    h0: Array,
    s0: Array,
    w_out: Array | None,
    mask: Array | None,
    kind: str,
    reverse: bool,
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array]]:
    """The outputs and last states, and for each step what the backward needs: ``saved`` and the state."""
    forward = CELLS[kind].forward
    across, out_across = w.T, None if w_out is None else w_out.T

    def step(carry: tuple[Array, Array], at: tuple[Array, Array | None]) -> tuple[Any, Any]:
        h, s = carry
        x, live = at
        m, new_s, saved = forward(x, h @ across + b, s)
        new_h = m if out_across is None else m @ out_across
        y = new_h
        if live is not None:
            keep = live[:, None]
            y, new_h, new_s = jnp.where(keep, new_h, 0), jnp.where(keep, new_h, h), jnp.where(keep, new_s, s)
        return (new_h, new_s), (y, saved, new_s)

    (h, s), (ys, saved, states) = lax.scan(step, (h0, s0), (xw, mask), reverse=reverse)
    return (ys, h, s), (saved, states)


@functools.partial(custom_gradient, static=(7, 8))
def recurrent_layer(
    xw: Array,
    w: Array,
    b: Array,
    h0: Array,
    s0: Array,
    w_out: Array | None,
    mask: Array | None,
    kind: str,
    reverse: bool,
) -> tuple[Array, Array, Array]:
    """A layer over ``(T, B, gates)``.

    Args:
        xw: the input's products, bias included.
        w: ``(gates, H)``, the weights of the hidden state.
        b: ``(gates,)``, their bias.
        h0: ``(B, H)``, the first hidden state.
        s0: ``(B, C)``, the first state beside it.
        w_out: ``(H, C)``, a projection of the cell's output, or absent.
        mask: ``(T, B)``, true where a sequence has a step; elsewhere states stay and the output is 0.
        kind: a key of :data:`CELLS`.
        reverse: from the last step to the first.

    Returns:
        The outputs ``(T, B, H)`` and the last two states.
    """
    return _run(xw, w, b, h0, s0, w_out, mask, kind, reverse)[0]


def _layer_fwd(
    xw: Array,
    w: Array,
    b: Array,
    h0: Array,
    s0: Array,
    w_out: Array | None,
    mask: Array | None,
    kind: str,
    reverse: bool,
) -> tuple[tuple[Array, Array, Array], tuple[Any, ...]]:
    out, kept = _run(xw, w, b, h0, s0, w_out, mask, kind, reverse)
    return out, (w, h0, s0, w_out, mask, out[0], *kept)


def _before(first: Array, steps: Array, reverse: bool) -> Array:
    """For each step what came before it in the order of the scan."""
    first = first[None]
    return jnp.concatenate([steps[1:], first] if reverse else [first, steps[:-1]])


def _outputs(kind: str, saved: Array, states: Array) -> Array:
    """What the cells put out before the projection; only LSTMs have one."""
    return jnp.split(saved, 4, -1)[3] * jnp.tanh(states)


def _layer_bwd(kind: str, reverse: bool, kept: tuple[Any, ...], cotangents: tuple[Array, Array, Array]) -> tuple:
    w, h0, s0, w_out, mask, ys, saved, states = kept
    dys, dh, ds = cotangents
    cell = CELLS[kind]

    def step(carry: tuple[Array, Array], at: tuple[Any, ...]) -> tuple[Any, Any]:
        dh, ds = carry
        dy, saved_t, state, before, live = at
        total = dy + dh if live is None else jnp.where(live[:, None], dy + dh, 0)
        inner = ds if live is None else jnp.where(live[:, None], ds, 0)
        dm = total if w_out is None else total @ w_out
        d_xw, d_state = cell.backward(saved_t, state, before, dm, inner)
        d_prev = cell.hidden(d_xw, saved_t) @ w
        if live is not None:
            keep = live[:, None]
            d_prev, d_state = jnp.where(keep, d_prev, dh), jnp.where(keep, d_state, ds)
        return (d_prev, d_state), (d_xw, total if w_out is not None else None)

    at = (dys, saved, states, _before(s0, states, reverse), mask)
    (dh0, ds0), (d_xw, totals) = lax.scan(step, (dh, ds), at, reverse=not reverse)
    d_hw = cell.hidden(d_xw, saved)
    previous = _before(h0, ys, reverse)
    if mask is not None:
        started = _before(jnp.zeros_like(mask[0]), mask, reverse)[..., None]
        previous = jnp.where(started, previous, h0)
    dw = jnp.einsum("tbg,tbh->gh", d_hw, previous)
    dw_out = None if w_out is None else jnp.einsum("tbp,tbh->ph", totals, _outputs(kind, saved, states))
    return d_xw, dw, jnp.sum(d_hw, (0, 1)), dh0, ds0, dw_out, None


recurrent_layer.defvjp(_layer_fwd, _layer_bwd)
