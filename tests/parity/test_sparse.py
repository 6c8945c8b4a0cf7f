"""Sparse Tensors against PyTorch: values, places, coalescence, text and gradients."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch

torch = pytest.importorskip("torch", reason="compares with PyTorch")

pytestmark = pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # torch's own

# Each is given the library and a COO Tensor whose places are not in order.
CASES: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda t, s: s,
    "coalesced": lambda t, s: s.coalesce(),
    "CSR": lambda t, s: s.detach().to_sparse_csr(),
    "CSC": lambda t, s: s.detach().to_dense().to_sparse_csc(),
    "float64": lambda t, s: s.coalesce().double().to_dense(),
    "twice": lambda t, s: s * 2,
    "halved": lambda t, s: s / 2,
    "sum": lambda t, s: t.sparse.sum(s),
    "sum over rows": lambda t, s: t.sparse.sum(s, 0),
    "plus itself": lambda t, s: s + s,
    "minus": lambda t, s: s.coalesce() - (s * 3).coalesce(),
    "times itself": lambda t, s: s.coalesce() * s.coalesce(),
    "dense plus": lambda t, s: t.ones(2, 3) + s,
    "product": lambda t, s: t.sparse.mm(s, t.arange(6.0).reshape(3, 2)),
    "product with itself": lambda t, s: s @ s.t(),
    "addmm": lambda t, s: t.sparse.addmm(t.ones(2, 2), s, t.arange(6.0).reshape(3, 2), beta=2, alpha=3),
    "softmax": lambda t, s: t.sparse.softmax(s, 1),
    "log_softmax": lambda t, s: t.sparse.log_softmax(s, 0),
    "transposed": lambda t, s: s.transpose(0, 1).coalesce(),
    "absolute": lambda t, s: s.abs(),
    "values": lambda t, s: s.coalesce().values(),
    "indices": lambda t, s: s.coalesce().indices(),
    "zeros": lambda t, s: t.zeros_like(s.detach()).to_dense(),
    "masked": lambda t, s: t.arange(6.0).reshape(2, 3).sparse_mask(s.detach().coalesce()),
    "sampled": lambda t, s: t.sparse.sampled_addmm(s.detach().to_sparse_csr(), t.ones(2, 4), t.ones(4, 3)),
    "diagonals": lambda t, s: t.sparse.spdiags(t.arange(9.0).reshape(3, 3), t.tensor([0, 1, -1]), (3, 3)),
    "hybrid": lambda t, s: t.sparse_coo_tensor(t.tensor([[0, 2, 0]]), t.arange(6.0).reshape(3, 2), (3, 2)).coalesce(),
    "facts": lambda t, s: (s.sparse_dim(), s.dense_dim(), s._nnz(), s.is_sparse, s.numel(), s.is_coalesced()),
    "uncoalesced indices": lambda t, s: s.indices(),
    "dense after sparse": lambda t, s: s + t.ones(2, 3),
}


def outcome(library: Any, name: str) -> tuple[str, Any]:
    """The text of the result or the class of the exception, and the gradient of the values."""
    values = library.tensor([3.0, 4.0, 5.0, 6.0], requires_grad=True)
    s = library.sparse_coo_tensor(library.tensor([[1, 0, 1, 1], [2, 2, 0, 2]]), values, (2, 3))
    try:
        result = CASES[name](library, s)
    except (RuntimeError, NotImplementedError) as error:
        return type(error).__name__, None
    if isinstance(result, library.Tensor) and result.requires_grad:
        dense = result.to_dense() if result.layout != library.strided else result
        (dense * dense).sum().backward()
    grad = None if values.grad is None else values.grad.numpy()
    text = re.sub(r"grad_fn=<\w+>", "grad_fn=<>", repr(result))
    return re.sub(r"\s+", "", text), grad  # names of different length move line breaks


@pytest.mark.parametrize("name", CASES)
def test_a_result_and_its_gradient_are_torchs(name: str) -> None:
    theirs, ours = outcome(torch, name), outcome(fxtorch, name)
    assert ours[0] == theirs[0]
    assert (ours[1] is None) == (theirs[1] is None)
    if theirs[1] is not None:
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1.3e-6, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"padding_idx": 1}, {"mode": "sum", "padding_idx": 2}], ids=str)
@pytest.mark.parametrize("name", ["SparseAdam", "SGD", "Adagrad"])
def test_a_sparse_embedding_trains_as_torchs(name: str, options: dict[str, Any]) -> None:
    cls = "EmbeddingBag" if "mode" in options else "Embedding"
    start = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    found = []
    for library in (torch, fxtorch):
        layer = getattr(library.nn, cls)(5, 2, sparse=True, _weight=library.tensor(start), **options)
        opt = getattr(library.optim, name)(layer.parameters(), lr=0.1)
        for row in (1, 3, 0):
            opt.zero_grad()
            (layer(library.tensor([[1, 2], [2, row]])) ** 2).sum().backward()
            places = layer.weight.grad.coalesce().indices().tolist()
            opt.step()
        found.append((layer.weight.detach().numpy(), places))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5, atol=1e-7)
    assert found[1][1] == found[0][1]
