"""Recurrent layers over packed sequences against PyTorch's, from the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="compares with PyTorch")

RTOL, ATOL = 1.3e-6, 1e-5
LENGTHS = [3, 5, 1, 4]

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported:UserWarning")

OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "RNN": ("RNN", {"nonlinearity": "relu"}),
    "RNN in two layers, both ways": ("RNN", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    "GRU": ("GRU", {"bias": False}),
    "GRU in three layers, both ways": ("GRU", {"num_layers": 3, "bidirectional": True}),
    "LSTM": ("LSTM", {"batch_first": True}),
    "LSTM with a projection": ("LSTM", {"proj_size": 2}),
    "LSTM in two layers, both ways, with a projection": (
        "LSTM",
        {"num_layers": 2, "bidirectional": True, "proj_size": 3, "batch_first": True},
    ),
}


def flat(value: Any) -> list[Any]:
    return [t for v in value for t in flat(v)] if isinstance(value, tuple) else [value]


def ran(library: Any, layer: Any, name: str, options: dict[str, Any], with_state: bool) -> dict[str, Any]:
    """The padded outputs, their lengths, the last states and all gradients, as NumPy arrays."""
    rng = np.random.default_rng(0)
    first = options.get("batch_first", False)
    x = library.tensor(rng.normal(size=(4, 5, 3) if first else (5, 4, 3)).astype("float32"), requires_grad=True)
    packed = library.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, batch_first=first, enforce_sorted=False)
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    sizes = [options.get("proj_size") or 6, 6][: 2 if name == "LSTM" else 1]
    states = [library.tensor(rng.normal(size=(rows, 4, s)).astype("float32"), requires_grad=True) for s in sizes]
    given = (tuple(states) if name == "LSTM" else states[0],) if with_state else ()
    out, last = layer(packed, *given)
    padded, lengths = library.nn.utils.rnn.pad_packed_sequence(out, batch_first=first)
    results = [padded, *flat(last)]
    total: Any = 0
    for r in results:
        total = (
            total + (r * library.tensor(np.cos(np.arange(r.numel(), dtype="float32")).reshape(tuple(r.shape)))).sum()
        )
    total.backward()
    found = {f"result {i}": r for i, r in enumerate([*results, lengths])}
    found |= {f"gradient of {n}": p.grad for n, p in layer.named_parameters()} | {"gradient of the input": x.grad}
    found |= {f"gradient of state {i}": s.grad for i, s in enumerate(states) if with_state}
    return {key: value.detach().numpy() for key, value in found.items()}


@pytest.mark.parametrize("with_state", [False, True], ids=["from zero", "from a state"])
@pytest.mark.parametrize("case", OPTIONS)
def test_a_recurrent_layer_reads_packed_sequences_as_torchs(case: str, with_state: bool) -> None:
    name, options = OPTIONS[case]
    theirs = getattr(torch.nn, name)(3, 6, **options)
    ours = getattr(fxtorch.nn, name)(3, 6, **options)
    ours.load_state_dict({k: fxtorch.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    assert repr(ours) == repr(theirs)
    found, expected = (ran(lib, m, name, options, with_state) for lib, m in ((fxtorch, ours), (torch, theirs)))
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, RTOL, ATOL, err_msg=key)
