"""Results with named fields."""

from __future__ import annotations

import pickle

import jax
import pytest

import fxtorch as torch


def test_a_result_shows_its_operator_and_fields() -> None:
    text = "torch.return_types.max(\nvalues=tensor([1., 1.]),\nindices=tensor([0, 0]))"
    assert repr(torch.max(torch.ones(2, 2), 0)) == text


def test_a_result_is_a_tuple_with_names() -> None:
    result = torch.linalg.svd(torch.eye(2))
    assert isinstance(result, torch.return_types.linalg_svd)
    U, S, Vh = result
    assert result.U is U and result[1] is S and result.Vh is Vh


def test_operators_that_share_fields_have_classes_of_their_own() -> None:
    x = torch.ones(2, 2)
    assert isinstance(torch.sort(x), torch.return_types.sort)
    assert not isinstance(torch.sort(x), torch.return_types.max)


def test_a_result_survives_pickle_pytrees_and_the_compiler() -> None:
    x = torch.tensor([2.0, 1.0])
    for made in (
        pickle.loads(pickle.dumps(torch.sort(x))),
        jax.tree.map(lambda leaf: leaf, torch.sort(x)),
        torch.jit(torch.sort)(x),
    ):
        assert type(made) is torch.return_types.sort
        assert made.indices.tolist() == [1, 0]


def test_a_class_is_made_of_one_sequence() -> None:
    assert torch.return_types.min((1, 2)).indices == 2


@pytest.mark.parametrize("fn", [torch.var_mean, torch.std_mean])
def test_moments_have_no_names_as_in_pytorch(fn) -> None:
    assert type(fn(torch.ones(3))) is tuple
