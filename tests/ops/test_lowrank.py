"""Decompositions by random projection: of a matrix of low rank they are exact."""

from __future__ import annotations

import fxtorch as torch


def low_rank(*batch: int) -> torch.Tensor:
    torch.manual_seed(0)
    left, right = torch.randn(*batch, 8, 2, dtype=torch.float64), torch.randn(*batch, 2, 5, dtype=torch.float64)
    return left @ right


def test_svd_lowrank_finds_a_matrix_of_that_rank() -> None:
    for A in (low_rank(2), low_rank().mT):
        U, S, V = torch.svd_lowrank(A, q=3)
        assert U.shape[-1] == S.shape[-1] == V.shape[-1] == 3
        torch.testing.assert_close(U @ torch.diag_embed(S) @ V.mT, A)
        torch.testing.assert_close(V.mT @ V, torch.eye(3, dtype=A.dtype).expand(*A.shape[:-2], 3, 3))


def test_svd_lowrank_takes_a_mean_away() -> None:
    A = low_rank()
    U, S, V = torch.svd_lowrank(A + 3.0, q=3, M=torch.full((1, 5), 3.0, dtype=A.dtype))
    torch.testing.assert_close(U @ torch.diag(S) @ V.T, A)


def test_pca_lowrank_centers_the_rows() -> None:
    A = low_rank()
    U, S, V = torch.pca_lowrank(A, q=2)
    torch.testing.assert_close(U @ torch.diag(S) @ V.T, A - A.mean(0))


def test_svd_lowrank_carries_gradients() -> None:
    A = low_rank().requires_grad_()
    torch.svd_lowrank(A, q=2)[1].sum().backward()
    U, _, Vh = torch.linalg.svd(A.detach(), full_matrices=False)
    torch.testing.assert_close(A.grad, U[:, :2] @ Vh[:2])


def test_lobpcg_solves_the_generalized_problem() -> None:
    torch.manual_seed(0)
    A, B = torch.randn(2, 7, 7, dtype=torch.float64)
    A, B = A + A.T, B @ B.T + torch.eye(7)
    for largest in (True, False):
        E, X = torch.lobpcg(A, 2, B, largest=largest)
        torch.testing.assert_close(A @ X, B @ X @ torch.diag(E))
        assert bool((E[0] > E[1]) == largest)


def test_a_singular_matrix_raises_eagerly_and_gives_infinities_when_compiled() -> None:
    A = torch.zeros(2, 2)
    try:
        torch.linalg.inv(A)
    except torch.linalg.LinAlgError as error:
        assert isinstance(error, RuntimeError)
    else:
        raise AssertionError("no LinAlgError")
    assert not torch.isfinite(torch.jit(torch.linalg.inv)(A)).any()
