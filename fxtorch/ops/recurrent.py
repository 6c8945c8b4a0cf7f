"""Recurrent networks of several layers, and single cells: Elman, LSTM, GRU.

Sources: Elman (1990); Hochreiter and Schmidhuber (1997), projections after Sak et al. (2014); Cho et al. (2014).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array as JaxArray

from fxtorch.ops.dropout import kept
from fxtorch.ops.random import split
from fxtorch.ops.recurrent_kernels import CELLS, Weights, recurrent_layer
from fxtorch.ops.table import Array, Arrays, Key, op


def _check(kind: str, x: JaxArray, h0: JaxArray, params: Arrays) -> None:
    """Raise torch's errors for an input, a state or weights that do not fit together."""
    if x.ndim != 3:
        raise RuntimeError(f"input must have 3 dimensions, got {x.ndim}")
    if x.shape[-1] != params[0].shape[1]:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {params[0].shape[1]}, got {x.shape[-1]}"
        )
    if h0.shape[1] != x.shape[1]:
        raise RuntimeError(f"Expected hidden size ({h0.shape[0]}, {x.shape[1]}, {h0.shape[2]}), got {list(h0.shape)}")
    if any(p.dtype != x.dtype for p in params):
        raise RuntimeError(f"{kind}: expected input and weights of one dtype, got {x.dtype} and {params[0].dtype}")


def _drop(x: JaxArray, p: float, key: JaxArray) -> JaxArray:
    return jnp.where(kept(key, p, x.shape), x / (1 - p), 0)


def _network(
    kind: str,
    x: JaxArray,
    h0: JaxArray,
    s0: JaxArray | None,
    params: Arrays,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
    batch_first: bool,
    lengths: JaxArray | None,
    key: JaxArray,
) -> tuple[JaxArray, JaxArray, JaxArray]:
    """All layers; ``params`` go by layer, then direction, as torch's modules list them."""
    x = jnp.swapaxes(x, 0, 1) if batch_first else x
    _check(kind, x, h0, params)
    directions = 2 if bidirectional else 1
    each = len(params) // (num_layers * directions)
    projected = each == (5 if has_biases else 3)
    mask = None if lengths is None else jnp.arange(x.shape[0], dtype=lengths.dtype)[:, None] < lengths
    drops = training and dropout > 0
    keys = split(key, num_layers) if drops else None
    last_h, last_s = [], []
    for layer in range(num_layers):
        outs = []
        for direction in range(directions):
            at = layer * directions + direction
            own = params[at * each : (at + 1) * each]
            b_ih, b_hh = own[2:4] if has_biases else (None, None)
            weights = Weights(own[0], own[1], b_ih, b_hh, own[-1] if projected else None)
            first = _first_state(kind, h0, s0, at)
            y, h, s = recurrent_layer(x, weights, h0[at], first, mask, kind, direction == 1)
            outs.append(y)
            last_h.append(h)
            last_s.append(s)
        x = outs[0] if directions == 1 else jnp.concatenate(outs, -1)
        if keys is not None and layer < num_layers - 1:
            x = _drop(x, dropout, keys[layer])
    x = jnp.swapaxes(x, 0, 1) if batch_first else x
    return x, jnp.stack(last_h), jnp.stack(last_s)


def _first_state(kind: str, h0: JaxArray, s0: JaxArray | None, at: int) -> JaxArray:
    """The state carried beside the hidden one: a GRU's is the hidden one, an Elman network has none."""
    if s0 is not None:
        return s0[at]
    return h0[at] if kind == "gru" else jnp.zeros((h0.shape[1], 0), h0.dtype)


@op(saves="residuals")
def lstm(
    input: Array,
    hx: Arrays,
    params: Arrays,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    lengths: Array | None = None,
    key: Key,
) -> tuple[JaxArray, JaxArray, JaxArray]:
    """``i, f, o = sigmoid(...)``, ``g = tanh(...)``, ``c' = f c + i g``, ``h' = o tanh(c')``, over all steps.

    Args:
        input: ``(T, B, features)``, or ``(B, T, features)`` with ``batch_first``.
        hx: ``h0`` and ``c0``, each ``(layers * directions, B, H)``.
        params: for each layer and direction ``w_ih, w_hh[, b_ih, b_hh][, w_hr]``.
        has_biases: whether those are there.
        num_layers: layers.
        dropout: its probability between layers, while ``training``.
        training: see ``dropout``.
        bidirectional: whether each layer also runs backwards.
        batch_first: see ``input``.
        lengths: ``(B,)``, steps of each sequence; beyond them the output is 0 and the state stays.
        key: for the dropout.

    Returns:
        The outputs, and the last ``h`` and ``c``.
    """
    h0, c0 = hx
    return _network(
        "lstm",
        input,
        h0,
        c0,
        params,
        has_biases,
        num_layers,
        dropout,
        training,
        bidirectional,
        batch_first,
        lengths,
        key,
    )


@op(saves="residuals")
def gru(
    input: Array,
    hx: Array,
    params: Arrays,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    lengths: Array | None = None,
    key: Key,
) -> tuple[JaxArray, JaxArray]:
    """``r, z = sigmoid(...)``, ``n = tanh(W x + r (U h + b))``, ``h' = (1 - z) n + z h``; see :func:`lstm`."""
    return _network(
        "gru",
        input,
        hx,
        None,
        params,
        has_biases,
        num_layers,
        dropout,
        training,
        bidirectional,
        batch_first,
        lengths,
        key,
    )[:2]


@op(saves="residuals")
def rnn_tanh(
    input: Array,
    hx: Array,
    params: Arrays,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    lengths: Array | None = None,
    key: Key,
) -> tuple[JaxArray, JaxArray]:
    """``h' = tanh(W x + U h + b)`` over all steps; see :func:`lstm`."""
    return _network(
        "rnn_tanh", input, hx, None, params, has_biases, num_layers, dropout, training, bidirectional, batch_first,
        lengths, key,
    )[:2]  # fmt: skip


@op(saves="residuals")
def rnn_relu(
    input: Array,
    hx: Array,
    params: Arrays,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    lengths: Array | None = None,
    key: Key,
) -> tuple[JaxArray, JaxArray]:
    """``h' = max(0, W x + U h + b)`` over all steps; see :func:`lstm`."""
    return _network(
        "rnn_relu", input, hx, None, params, has_biases, num_layers, dropout, training, bidirectional, batch_first,
        lengths, key,
    )[:2]  # fmt: skip


def _cell(
    kind: str,
    x: JaxArray,
    h: JaxArray,
    s: JaxArray,
    w_ih: JaxArray,
    w_hh: JaxArray,
    b_ih: JaxArray | None,
    b_hh: JaxArray | None,
) -> tuple[JaxArray, JaxArray]:
    if x.shape[-1] != w_ih.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {x.shape[-1]} expected {w_ih.shape[1]}")
    if h.shape[-1] != w_hh.shape[1]:
        raise RuntimeError(f"hidden0 has inconsistent hidden_size: got {h.shape[-1]}, expected {w_hh.shape[1]}")
    if x.shape[:-1] != h.shape[:-1]:
        raise RuntimeError(f"Input batch size {x.shape[0]} doesn't match hidden0 batch size {h.shape[0]}")
    xw, hw = jnp.matmul(x, w_ih.T), jnp.matmul(h, w_hh.T)
    xw = xw if b_ih is None else xw + b_ih
    hw = hw if b_hh is None else hw + b_hh
    return CELLS[kind].forward(xw, hw, s)[:2]


@op()
def lstm_cell(
    input: Array, hx: Arrays, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
) -> tuple[JaxArray, JaxArray]:
    """One step of :func:`lstm`: the next ``(h, c)`` for ``(B, features)`` or ``(features,)``."""
    h, c = hx
    return _cell("lstm", input, h, c, w_ih, w_hh, b_ih, b_hh)


@op()
def gru_cell(
    input: Array, hx: Array, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
) -> Array:
    """One step of :func:`gru`: the next ``h`` for ``(B, features)`` or ``(features,)``."""
    return _cell("gru", input, hx, hx, w_ih, w_hh, b_ih, b_hh)[0]


@op()
def rnn_tanh_cell(
    input: Array, hx: Array, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
) -> Array:
    """One step of :func:`rnn_tanh`: the next ``h`` for ``(B, features)`` or ``(features,)``."""
    return _cell("rnn_tanh", input, hx, hx, w_ih, w_hh, b_ih, b_hh)[0]


@op()
def rnn_relu_cell(
    input: Array, hx: Array, w_ih: Array, w_hh: Array, b_ih: Array | None = None, b_hh: Array | None = None
) -> Array:
    """One step of :func:`rnn_relu`: the next ``h`` for ``(B, features)`` or ``(features,)``."""
    return _cell("rnn_relu", input, hx, hx, w_ih, w_hh, b_ih, b_hh)[0]
