"""Sparse Tensors: making them, what they are equal to as dense ones, gradients, compiled functions, errors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch

DENSE = [[0.0, 0.0, 3.0], [4.0, 0.0, 5.0]]


def coo(values: Any = (3.0, 4.0, 5.0), **options: Any) -> Any:
    return torch.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], list(values), (2, 3), **options)


def csr(**options: Any) -> Any:
    return torch.sparse_csr_tensor([0, 1, 3], [2, 0, 2], [3.0, 4.0, 5.0], (2, 3), **options)


def csc(**options: Any) -> Any:
    return torch.sparse_csc_tensor([0, 1, 1, 3], [1, 0, 1], [4.0, 3.0, 5.0], (2, 3), **options)


EACH = pytest.mark.parametrize("make", [coo, csr, csc])


@EACH
def test_the_dense_tensor_of_it(make: Callable[..., Any]) -> None:
    s = make()
    assert s.to_dense().tolist() == DENSE
    assert (s.shape, s._nnz(), s.dtype, s.dense_dim(), s.sparse_dim()) == ((2, 3), 3, torch.float32, 0, 2)


def test_layouts_say_what_they_are() -> None:
    assert (coo().layout, coo().is_sparse, coo().is_sparse_csr) == (torch.sparse_coo, True, False)
    assert (csr().layout, csr().is_sparse, csr().is_sparse_csr) == (torch.sparse_csr, False, True)
    assert (torch.ones(1).layout, torch.ones(1).is_sparse) == (torch.strided, False)


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
@EACH
def test_a_layout_becomes_any_other(make: Callable[..., Any], layout: Any) -> None:
    s = make().to_sparse(layout=layout)
    assert s.layout == layout
    assert s.to_dense().tolist() == DENSE
    assert torch.tensor(DENSE).to_sparse(layout=layout).to_dense().tolist() == DENSE


def test_places_that_occur_twice_add_up() -> None:
    s = torch.sparse_coo_tensor([[1, 0, 1]], [1.0, 2.0, 4.0], (3,))
    assert not s.is_coalesced()
    assert s.to_dense().tolist() == [2.0, 5.0, 0.0]
    c = s.coalesce()
    assert (c.is_coalesced(), c.indices().tolist(), c.values().tolist()) == (True, [[0, 1]], [2.0, 5.0])
    assert c.coalesce() is c


def test_dense_dimensions_follow_the_sparse_ones() -> None:
    s = torch.sparse_coo_tensor([[0, 2]], [[1.0, 2.0], [3.0, 4.0]])
    assert (s.shape, s.sparse_dim(), s.dense_dim()) == ((3, 2), 1, 1)
    assert s.to_dense().tolist() == [[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]]
    assert torch.tensor([[1.0, 0.0], [0.0, 0.0]]).to_sparse(1).values().tolist() == [[1.0, 0.0]]


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "times a number": lambda s: s * 2,
    "over a number": lambda s: s / 2,
    "negative": lambda s: -s,
    "square": lambda s: s.square(),
    "sine": lambda s: s.sin(),
    "sum": lambda s: s.sum(),
    "sum over rows": lambda s: torch.sparse.sum(s, 0) if s.layout != torch.strided else s.sum(0),
    "transposed": lambda s: s.t(),
    "twice": lambda s: s + s,
    "difference": lambda s: s - 3 * s,
    "times itself": lambda s: s * s,
    "times dense": lambda s: s * torch.arange(6.0).reshape(2, 3),
    "product": lambda s: s @ torch.arange(6.0).reshape(3, 2),
    "product with a vector": lambda s: s @ torch.arange(3.0),
    "dense product": lambda s: torch.arange(4.0).reshape(2, 2) @ s,
    "product with itself": lambda s: s @ s.t(),
    "plus": lambda s: torch.ones(2, 3) + s,
    "addmm": lambda s: torch.addmm(torch.ones(2, 2), s, torch.arange(6.0).reshape(3, 2), beta=2, alpha=3),
    "float64": lambda s: s.double(),
    "norm": lambda s: s.norm(),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("make", [coo, csr])
def test_values_and_gradients_are_those_of_the_dense_tensor(make: Callable[..., Any], name: str) -> None:
    operation = OPERATIONS[name]
    s, d = make(requires_grad=True), torch.tensor(DENSE, requires_grad=True)
    a, b = operation(s), operation(d)
    dense = a.to_dense()
    torch.testing.assert_close(dense, b)
    weights = torch.arange(1.0, b.numel() + 1).reshape(b.shape).to(b.dtype)
    (dense * weights).sum().backward()
    (b * weights).sum().backward()
    assert s.grad.layout == s.layout
    torch.testing.assert_close(s.grad.to_dense(), torch.where(d == 0, 0.0, d.grad))


def test_gradients_reach_the_values_it_was_made_of_and_the_dense_factor() -> None:
    values = torch.tensor([3.0, 4.0, 5.0], requires_grad=True)
    dense = torch.ones(3, 2, requires_grad=True)
    s = torch.sparse_coo_tensor(torch.tensor([[0, 1, 1], [2, 0, 2]]), values, (2, 3))
    (torch.sparse.mm(s, dense) ** 2).sum().backward()
    assert values.grad.tolist() == [12.0, 36.0, 36.0]
    assert dense.grad.tolist() == [[72.0, 72.0], [0.0, 0.0], [108.0, 108.0]]


def test_gradients_of_several_uses_add_up() -> None:
    s = coo(requires_grad=True)
    (s.to_dense().sum() + torch.sparse.sum(s * 2)).backward()
    (s.to_dense()).sum().backward()
    assert s.grad.coalesce().values().tolist() == [4.0, 4.0, 4.0]


def test_second_derivatives() -> None:
    values = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    s = torch.sparse_coo_tensor(torch.tensor([[0, 1, 1], [2, 0, 2]]), values, (2, 3))
    (g,) = torch.autograd.grad((s.to_dense() ** 3).sum(), values, create_graph=True)
    g.sum().backward()
    assert values.grad.tolist() == [6.0, 12.0, 18.0]


def test_softmax_is_over_what_is_there() -> None:
    s = torch.sparse.softmax(coo(), 1)
    torch.testing.assert_close(s.values(), torch.tensor([1.0, 0.268941, 0.731059]))
    torch.testing.assert_close(torch.sparse.log_softmax(coo(), 1).values().exp(), s.values())


def test_sampled_products_and_masks() -> None:
    s = torch.sparse.sampled_addmm(csr(), torch.ones(2, 4), torch.ones(4, 3), alpha=0.5)
    assert s.values().tolist() == [5.0, 6.0, 7.0]
    assert torch.arange(6.0).reshape(2, 3).sparse_mask(coo().coalesce()).values().tolist() == [2.0, 3.0, 5.0]


def test_diagonals() -> None:
    s = torch.sparse.spdiags(torch.arange(9.0).reshape(3, 3), torch.tensor([0, 1, -1]), (3, 3))
    assert s.to_dense().tolist() == [[0.0, 4.0, 0.0], [6.0, 1.0, 5.0], [0.0, 7.0, 2.0]]


def test_in_place_and_joined() -> None:
    s = coo()
    s.mul_(2)
    assert torch.cat([s, coo()], 1).to_dense().tolist() == [[0, 0, 6, 0, 0, 3], [8, 0, 10, 4, 0, 5]]
    assert torch.zeros_like(s)._nnz() == 0


def test_a_compiled_function_takes_and_returns_them() -> None:
    f = torch.jit(lambda s, x: (s * 2, s @ x))
    doubled, product = f(coo(), torch.ones(3, 1))
    assert doubled.to_dense().tolist() == [[2 * v for v in row] for row in DENSE]
    assert product.tolist() == [[3.0], [9.0]]
    f(coo([1.0, 1.0, 1.0]), torch.ones(3, 1))
    assert f.traces == 1


def test_the_gradient_of_an_embedding_holds_the_rows_that_were_used() -> None:
    table = torch.nn.Embedding(5, 2, sparse=True, padding_idx=0)
    table(torch.tensor([[3, 0], [3, 1]])).sum().backward()
    grad = table.weight.grad
    assert (grad.is_sparse, grad.shape, grad._nnz()) == (True, (5, 2), 3)
    assert grad.to_dense()[:, 0].tolist() == [0.0, 1.0, 0.0, 2.0, 0.0]
    bag = torch.nn.EmbeddingBag(5, 2, sparse=True, mode="mean", padding_idx=0)
    bag(torch.tensor([[3, 0], [3, 1]])).sum().backward()
    assert bag.weight.grad.to_dense()[:, 0].tolist() == [0.0, 0.5, 0.0, 1.5, 0.0]


def test_a_compiled_step_moves_the_rows_that_were_used() -> None:
    table = torch.nn.Embedding(4, 2, sparse=True)
    opt = torch.optim.SparseAdam(table.parameters(), lr=0.1)

    @torch.jit
    def step(index: Any) -> Any:
        opt.zero_grad()
        loss = (table(index) ** 2).sum()
        loss.backward()
        opt.step()
        return loss

    before = table.weight.detach().clone()
    losses = [step(torch.tensor([1, 1, 3])).item() for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    assert (table.weight != before).any(1).tolist() == [False, True, False, True]
    assert step.traces == 1


@pytest.mark.parametrize(
    ("wrong", "kind", "match"),
    [
        (lambda: torch.sparse_coo_tensor([[0, 5]], [1.0, 2.0], (3,)), RuntimeError, "size is 3 but found index 5"),
        (lambda: torch.sparse_coo_tensor([[-1]], [1.0], (3,)), RuntimeError, "negative index"),
        (lambda: torch.sparse_coo_tensor([[0, 1]], [1.0], (3,)), RuntimeError, "same nnz"),
        (lambda: torch.sparse_csr_tensor([0, 2, 1], [0], [1.0], (2, 2)), RuntimeError, "crow_indices"),
        (lambda: coo().indices(), RuntimeError, "uncoalesced"),
        (lambda: coo() + torch.ones(2, 3), RuntimeError, r"add\(dense, sparse\)"),
        (lambda: coo() @ torch.ones(2, 2), RuntimeError, "cannot be multiplied"),
        (lambda: coo().exp(), NotImplementedError, "to_dense"),
        (lambda: torch.stack([coo(), coo()]), NotImplementedError, "stack.. is not there for a Tensor of layout"),
        (lambda: coo().numpy(), TypeError, "Sparse layout"),
        (lambda: torch.ones(2, 2).to_sparse(layout=torch.sparse_bsr), RuntimeError, "COO, CSR and CSC"),
        (lambda: torch.nn.EmbeddingBag(3, 2, sparse=True, mode="max")(torch.tensor([[0]])), ValueError, "max mode"),
        (lambda: _dense_gradient(), RuntimeError, "does not support dense gradients"),
        (lambda: _sparse_gradient(), RuntimeError, "consider SparseAdam"),
    ],
)
def test_what_cannot_be_is_refused(wrong: Callable[[], Any], kind: type[Exception], match: str) -> None:
    with pytest.raises(kind, match=match):
        wrong()


def _dense_gradient() -> None:
    w = torch.ones(2, requires_grad=True)
    w.sum().backward()
    torch.optim.SparseAdam([w]).step()


def _sparse_gradient() -> None:
    table = torch.nn.Embedding(2, 2, sparse=True)
    table(torch.tensor([0])).sum().backward()
    torch.optim.Adam(table.parameters()).step()


def test_it_prints_its_places_and_values() -> None:
    assert repr(coo()) == (
        "tensor(indices=tensor([[0, 1, 1],\n                       [2, 0, 2]]),\n"
        "       values=tensor([3., 4., 5.]),\n       size=(2, 3), nnz=3, layout=torch.sparse_coo)"
    )


def test_a_compiled_step_changes_state_that_shares_its_places() -> None:
    places = torch.tensor([[0, 2]])
    s = torch.sparse_coo_tensor(places, torch.tensor([1.0, 2.0]), (3,))
    double = torch.jit(lambda: s.mul_(2))
    double()
    double()
    assert s.to_dense().tolist() == [4.0, 0.0, 8.0]
    assert places.tolist() == [[0, 2]]


@EACH
def test_copies_and_pickles_are_apart(make: Callable[..., Any]) -> None:
    s = make(requires_grad=True)
    for twin in (copy.deepcopy(s), pickle.loads(pickle.dumps(s))):
        assert (twin.layout, twin.requires_grad) == (s.layout, True)
        with torch.no_grad():
            twin.mul_(2)
        assert twin.to_dense().tolist() == [[2 * v for v in row] for row in DENSE]
    assert s.to_dense().tolist() == DENSE


def test_rows_and_zeros() -> None:
    s = coo(requires_grad=True)
    assert s[1].to_dense().tolist() == [4.0, 0.0, 5.0]
    assert s[1, 2].item() == 5.0
    s[0].to_dense().sum().backward()
    assert s.grad.to_dense().tolist() == [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    empty = torch.zeros(2, 3, layout=torch.sparse_csr)
    assert (empty.layout, empty._nnz(), empty.to_dense().tolist()) == (torch.sparse_csr, 0, [[0.0] * 3] * 2)
    with pytest.raises(NotImplementedError, match="integers as indexes"):
        s[:, 0]


def test_the_constructors_of_old_make_coo_tensors() -> None:
    indices, values = torch.LongTensor([[0, 1], [2, 0]]), torch.FloatTensor([3, 4])
    made = torch.sparse.FloatTensor(indices, values, torch.Size([2, 3]))
    assert made.to_dense().tolist() == [[0, 0, 3], [4, 0, 0]] and made.is_sparse
    assert torch.sparse.DoubleTensor(indices, values).dtype is torch.float64
    assert torch.sparse.FloatTensor(2, 3)._nnz() == 0
