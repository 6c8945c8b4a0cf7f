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


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [(["a"], ValueError, "too many dimensions 'str'"), ([1, "a"], TypeError, r"new\(\): invalid data type 'str'")],
)
def test_text_makes_no_tensor(data: list[object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        torch.tensor(data)


@pytest.mark.parametrize(
    ("name", "resolution"), [("float16", 1e-3), ("bfloat16", 1e-2), ("float32", 1e-6), ("float64", 1e-15)]
)
def test_the_limits_of_a_type_name_its_resolution(name: str, resolution: float) -> None:
    limits = torch.finfo(getattr(torch, name))
    assert limits.resolution == resolution
    assert f"resolution={resolution:g}, " in repr(limits)


def test_a_range_may_be_given_by_its_end_alone_by_name() -> None:
    assert torch.arange(end=3).tolist() == [0, 1, 2] and torch.arange(end=3, device="cpu").dtype is torch.int64
    with pytest.raises(TypeError, match='missing 1 required positional arguments: "end"'):
        torch.arange()


def test_reflecting_takes_a_value_of_zero() -> None:
    assert torch.nn.functional.pad(torch.arange(3.0)[None], (1, 1), "reflect", 0.0).tolist() == [[1, 0, 1, 2, 1]]


def test_reflecting_refuses_another_value() -> None:
    with pytest.raises(ValueError, match="doesn't take in value argument"):
        torch.nn.functional.pad(torch.arange(3.0)[None], (1, 1), "reflect", 1.0)
