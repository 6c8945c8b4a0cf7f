"""Functions that make Tensors like others."""

from __future__ import annotations

import pytest

import fxtorch as torch


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like"])
def test_what_is_made_like_a_tensor_that_requires_a_gradient_requires_none(name: str) -> None:
    more = (2.0,) if name == "full_like" else ()
    leaf = torch.ones(2, requires_grad=True)
    for x in (leaf, leaf * 2):
        made = getattr(torch, name)(x, *more)
        assert not made.requires_grad
        assert made.grad_fn is None
    assert getattr(torch, name)(leaf, *more, requires_grad=True).is_leaf


def test_a_typed_constructor_of_cuda_knows_where_a_tensor_is() -> None:
    assert isinstance(torch.ones(1), torch.FloatTensor)
    assert not isinstance(torch.ones(1), torch.cuda.FloatTensor)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="No CUDA GPUs"):
            torch.cuda.FloatTensor(2)
