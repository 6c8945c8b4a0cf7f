"""Parameters of layers, as Flax lays them out, and back.

A Linen tree of variables is ``{"params": ..., "batch_stats": ...}``.  Layers that both libraries have are translated;
a Module of other kinds is translated child by child, under the children's names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch import nn
from fxtorch.autograd import no_grad
from fxtorch.tensor import unwrap, wrap

Tree = dict[str, Any]
_LSTM = ("i", "f", "g", "o")
_GRU = ("r", "z", "n")


def _get(module: Any, name: str) -> Any:
    value = getattr(module, name, None)
    return None if value is None else unwrap(value)


def _dropped(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if value is not None}


# --- one layer: to Flax ---------------------------------------------------------------------------------------------


def _linear_to(m: Any) -> Tree:
    return _dropped({"kernel": _get(m, "weight").T, "bias": _get(m, "bias")})


def _conv_axes(n: int, transposed: bool) -> tuple[int, ...]:
    """From ``(out, in, *spatial)``, or ``(in, out, *spatial)``, to ``(*spatial, in, out)``."""
    spatial = tuple(range(2, 2 + n))
    return (*spatial, 0, 1) if transposed else (*spatial, 1, 0)


def _conv_to(m: Any) -> Tree:
    kernel = jnp.transpose(_get(m, "weight"), _conv_axes(m.n, m.transposed))
    if m.transposed:
        _only(m.groups == 1, m, "groups")
        kernel = jnp.flip(kernel, tuple(range(m.n)))  # Flax correlates, PyTorch's transpose convolves
    return _dropped({"kernel": kernel, "bias": _get(m, "bias")})


def _norm_to(m: Any) -> Tree:
    return _dropped({"scale": _get(m, "weight"), "bias": _get(m, "bias")})


def _embed_to(m: Any) -> Tree:
    return {"embedding": _get(m, "weight")}


def _gates(weight: Any, n: int) -> list[Any]:
    return jnp.split(weight, n)


def _only(condition: bool, m: Any, what: str) -> None:
    if not condition:
        raise NotImplementedError(f"{type(m).__name__} with {what} has no counterpart in Flax")


def _layer(m: Any) -> str:
    """The suffix of the parameters of a layer's only direction."""
    if isinstance(m, nn.RNNCellBase):
        return ""
    _only(
        m.num_layers == 1 and not m.bidirectional and not getattr(m, "proj_size", 0), m, "several layers or directions"
    )
    return "_l0"


def _lstm_to(m: Any) -> Tree:
    end = _layer(m)
    inputs, hidden = (_gates(_get(m, f"weight_{kind}{end}"), 4) for kind in ("ih", "hh"))
    bias = [None] * 4
    if _get(m, f"bias_ih{end}") is not None:
        bias = _gates(_get(m, f"bias_ih{end}") + _get(m, f"bias_hh{end}"), 4)
    tree = {f"i{g}": {"kernel": w.T} for g, w in zip(_LSTM, inputs, strict=True)}
    return tree | {f"h{g}": _dropped({"kernel": w.T, "bias": b}) for g, w, b in zip(_LSTM, hidden, bias, strict=True)}


def _gru_to(m: Any) -> Tree:
    end = _layer(m)
    _only(_get(m, f"bias_ih{end}") is not None, m, "no biases")
    inputs, hidden = (_gates(_get(m, f"weight_{kind}{end}"), 3) for kind in ("ih", "hh"))
    own, past = (_gates(_get(m, f"bias_{kind}{end}"), 3) for kind in ("ih", "hh"))
    biases = [own[0] + past[0], own[1] + past[1], own[2]]
    tree: Tree = {f"i{g}": {"kernel": w.T, "bias": b} for g, w, b in zip(_GRU, inputs, biases, strict=True)}
    tree |= {f"h{g}": {"kernel": w.T} for g, w in zip(_GRU, hidden, strict=True)}
    tree["hn"]["bias"] = past[2]
    return tree


def _attention_to(m: Any) -> Tree:
    _only(m.in_proj_weight is not None and m.bias_k is None, m, "other sizes of keys or values, or biases of them")
    heads, size = m.num_heads, m.head_dim
    weights = jnp.split(_get(m, "in_proj_weight"), 3)
    biases = [None] * 3 if m.in_proj_bias is None else jnp.split(_get(m, "in_proj_bias"), 3)
    tree: Tree = {}
    for name, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
        shaped = None if bias is None else bias.reshape(heads, size)
        tree[name] = _dropped({"kernel": weight.T.reshape(-1, heads, size), "bias": shaped})
    out = _get(m.out_proj, "weight").T.reshape(heads, size, -1)
    tree["out"] = _dropped({"kernel": out, "bias": _get(m.out_proj, "bias")})
    return tree


# --- one layer: from Flax -------------------------------------------------------------------------------------------


def _set(module: Any, name: str, value: Any) -> None:
    held = getattr(module, name, None)
    if (held is None) != (value is None):
        raise KeyError(f"{type(module).__name__}.{name} is {'not ' if held is None else ''}there, in Flax it is "
                       f"{'' if held is None else 'not '}there")  # fmt: skip
    if held is not None:
        array = jnp.asarray(value)
        if tuple(array.shape) != tuple(held.shape):
            raise ValueError(f"{type(module).__name__}.{name} has shape {tuple(held.shape)}, Flax's {array.shape}")
        held.copy_(wrap(array))


def _linear_from(m: Any, tree: Tree) -> None:
    _set(m, "weight", jnp.asarray(tree["kernel"]).T)
    _set(m, "bias", tree.get("bias"))


def _conv_from(m: Any, tree: Tree) -> None:
    kernel = jnp.asarray(tree["kernel"])
    if m.transposed:
        kernel = jnp.flip(kernel, tuple(range(m.n)))
    _set(m, "weight", jnp.transpose(kernel, tuple(np.argsort(_conv_axes(m.n, m.transposed)).tolist())))
    _set(m, "bias", tree.get("bias"))


def _norm_from(m: Any, tree: Tree) -> None:
    _set(m, "weight", tree.get("scale"))
    if hasattr(m, "bias"):
        _set(m, "bias", tree.get("bias"))


def _embed_from(m: Any, tree: Tree) -> None:
    _set(m, "weight", tree["embedding"])


def _apart(tree: Tree, gates: tuple[str, ...]) -> Tree:
    """A cell's tree with one entry a gate, as Linen has it; NNX joins the gates, or writes ``if_`` for ``if``."""
    if "dense_i" not in tree:
        return {name.rstrip("_"): part for name, part in tree.items()}
    parts: Tree = {}
    for first in "ih":
        for name, value in tree[f"dense_{first}"].items():
            for gate, piece in zip(gates, jnp.split(jnp.asarray(value), len(gates), axis=-1), strict=True):
                parts.setdefault(first + gate, {})[name] = piece
    return parts


def _lstm_from(m: Any, tree: Tree) -> None:
    end, tree = _layer(m), _apart(tree, _LSTM)
    for kind, first in (("ih", "i"), ("hh", "h")):
        _set(m, f"weight_{kind}{end}", jnp.concatenate([jnp.asarray(tree[first + g]["kernel"]).T for g in _LSTM]))
    if _get(m, f"bias_ih{end}") is not None:
        bias = jnp.concatenate([jnp.asarray(tree[f"h{g}"]["bias"]) for g in _LSTM])
        _set(m, f"bias_ih{end}", jnp.zeros_like(bias))
        _set(m, f"bias_hh{end}", bias)


def _gru_from(m: Any, tree: Tree) -> None:
    end, tree = _layer(m), _apart(tree, _GRU)
    for kind, first in (("ih", "i"), ("hh", "h")):
        _set(m, f"weight_{kind}{end}", jnp.concatenate([jnp.asarray(tree[first + g]["kernel"]).T for g in _GRU]))
    _set(m, f"bias_ih{end}", jnp.concatenate([jnp.asarray(tree[f"i{g}"]["bias"]) for g in _GRU]))
    none = jnp.zeros_like(jnp.asarray(tree["in"]["bias"]))
    _set(m, f"bias_hh{end}", jnp.concatenate([none, none, jnp.asarray(tree["hn"].get("bias", none))]))


def _attention_from(m: Any, tree: Tree) -> None:
    names, width = ("query", "key", "value"), m.embed_dim
    kernels = [jnp.asarray(tree[name]["kernel"]).reshape(width, width).T for name in names]
    _set(m, "in_proj_weight", jnp.concatenate(kernels))
    with_bias = "bias" in tree["query"]
    bias = jnp.concatenate([jnp.asarray(tree[name]["bias"]).reshape(-1) for name in names]) if with_bias else None
    _set(m, "in_proj_bias", bias)
    _set(m.out_proj, "weight", jnp.asarray(tree["out"]["kernel"]).reshape(-1, width).T)
    _set(m.out_proj, "bias", tree["out"].get("bias"))


_CONVOLUTIONS = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
)  # fmt: skip
_BATCH = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_NORMS = (*_BATCH, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
_KINDS: tuple[tuple[Any, Callable[[Any], Tree], Callable[[Any, Tree], None]], ...] = (
    (nn.Linear, _linear_to, _linear_from),
    (_CONVOLUTIONS, _conv_to, _conv_from),
    (_NORMS, _norm_to, _norm_from),
    (nn.Embedding, _embed_to, _embed_from),
    ((nn.LSTM, nn.LSTMCell), _lstm_to, _lstm_from),
    ((nn.GRU, nn.GRUCell), _gru_to, _gru_from),
    (nn.MultiheadAttention, _attention_to, _attention_from),
)


def _kind(module: nn.Module) -> Any:
    return next((row for row in _KINDS if isinstance(module, row[0])), None)


def _check_own(module: nn.Module) -> None:
    if next(module.parameters(recurse=False), None) is not None:
        raise NotImplementedError(f"{type(module).__name__} has no counterpart in Flax")


def to_flax(module: nn.Module) -> Tree:
    """The variables of a Module as Linen lays them out: ``{"params": ...}``, and ``"batch_stats"`` of batch norms.

    Linear, convolutions, normalisations, Embedding, LSTM and GRU (one layer, or the cells) and MultiheadAttention
    become what ``linen.Dense``, ``Conv``, ``ConvTranspose``, ``BatchNorm`` and so on, ``Embed``, ``OptimizedLSTMCell``,
    ``GRUCell`` and ``MultiHeadDotProductAttention`` have.  The two biases of an LSTM become one.

    Raises:
        NotImplementedError: a layer with parameters has no counterpart.

    >>> import fxtorch as torch
    >>> {name: value.shape for name, value in to_flax(torch.nn.Linear(3, 2))["params"].items()}
    {'kernel': (3, 2), 'bias': (2,)}
    """
    kind = _kind(module)
    if kind is not None:
        tree: Tree = {"params": kind[1](module)}
        if isinstance(module, _BATCH) and module.running_mean is not None:
            tree["batch_stats"] = {"mean": _get(module, "running_mean"), "var": _get(module, "running_var")}
        return _dropped({name: part or None for name, part in tree.items()})
    _check_own(module)
    joined: Tree = {}
    for name, child in module.named_children():
        for collection, part in to_flax(child).items():
            joined.setdefault(collection, {})[name] = part
    return joined


def from_flax(module: nn.Module, variables: Tree) -> nn.Module:
    """Load Linen's variables into a Module, and return it; the inverse of :func:`to_flax`.

    What ``nnx.to_pure_dict`` gives of an NNX module's ``nnx.Param`` and ``nnx.BatchStat`` is taken, too, as the
    ``"params"`` and ``"batch_stats"``.

    Raises:
        NotImplementedError: a layer with parameters has no counterpart.
        KeyError: something is missing on one side.
        ValueError: shapes differ.
    """
    params, stats = variables.get("params", {}), variables.get("batch_stats", {})
    kind = _kind(module)
    with no_grad():
        if kind is not None:
            kind[2](module, params)
            if isinstance(module, _BATCH) and module.running_mean is not None and stats:
                _set(module, "running_mean", stats["mean"])
                _set(module, "running_var", stats["var"])
            return module
        _check_own(module)
        for name, child in module.named_children():
            inner = {"params": params.get(name, {}), "batch_stats": stats.get(name, {})}
            if any(True for _ in child.parameters()):
                from_flax(child, inner)
    return module
