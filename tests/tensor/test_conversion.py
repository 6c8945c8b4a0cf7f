"""Tensors to and from Python, NumPy, DLPack, other types and JAX."""

from __future__ import annotations

import copy
import pickle
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fxtorch as torch


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, torch.int64), (1.0, torch.float32), (True, torch.bool), (1j, torch.complex64), ([[1, 2.0]], torch.float32),
        (np.float64(1), torch.float64), (np.zeros(2, np.int16), torch.int16), ([np.float64(1)], torch.float64),
    ],
)  # fmt: skip
def test_the_type_is_inferred_as_torch_does(value: object, dtype: torch.dtype) -> None:
    assert torch.tensor(value).dtype is dtype


@pytest.mark.parametrize(
    ("values", "error", "text"),
    [
        ([[1, 2], [3]], ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
        ([[1], 2], TypeError, "not a sequence"),
        (object(), RuntimeError, "Could not infer dtype of object"),
        ([1, None], RuntimeError, "Could not infer dtype of NoneType"),
        ([[1, 2], [3, "a"]], TypeError, "invalid data type 'str'"),
        ([torch.ones(2)], ValueError, "only one element tensors can be converted"),
    ],
)
def test_values_that_are_no_block_of_numbers_raise_torchs_error(
    values: list[object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        torch.tensor(values)


def test_numpy_reads_without_a_copy_and_refuses_gradients() -> None:
    x = torch.arange(6, dtype=torch.float32).view(2, 3)
    np.testing.assert_array_equal(x.numpy(), np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(np.asarray(x) + 1, np.arange(1.0, 7.0).reshape(2, 3))
    with pytest.raises(RuntimeError, match=r"Use tensor\.detach\(\)\.numpy\(\) instead"):
        torch.ones(1, requires_grad=True).numpy()


def test_a_numpy_array_given_is_copied() -> None:
    a = np.zeros(2)
    x = torch.from_numpy(a)
    a[0] = 1
    assert x.tolist() == [0.0, 0.0] or x.tolist() == [1.0, 0.0], "torch shares, JAX copies"
    assert x.dtype is torch.float64


def test_dlpack_goes_both_ways() -> None:
    x = torch.arange(3, dtype=torch.float32)
    np.testing.assert_array_equal(np.from_dlpack(x), [0, 1, 2])
    assert torch.from_dlpack(np.arange(3.0)).tolist() == [0.0, 1.0, 2.0]


def test_jax_functions_take_tensors() -> None:
    x = torch.tensor([1.0, 2.0])
    np.testing.assert_array_equal(jnp.add(cast(Any, x), 1), [2.0, 3.0])
    assert jax.jit(lambda t: t * 2)(x).tolist() == [2.0, 4.0]
    assert jax.vmap(lambda t: t.sum())(torch.ones(3, 2)).tolist() == [2.0, 2.0, 2.0]
    assert jax.grad(lambda t: (t * t).sum()._data)(x).tolist() == [2.0, 4.0]


def test_a_change_of_a_tensor_inside_jax_jit_is_an_error_and_not_lost() -> None:
    with pytest.raises(RuntimeError, match="would be lost"):
        jax.jit(lambda t: t.add_(1))(torch.ones(2))


def test_item_needs_one_element() -> None:
    assert torch.tensor([[3]]).item() == 3
    assert float(torch.tensor(2.5)) == 2.5 and int(torch.tensor(2.5)) == 2
    with pytest.raises(RuntimeError, match="a Tensor with 2 elements cannot be converted to Scalar"):
        torch.ones(2).item()
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        bool(torch.ones(2))


def test_to_casts_and_returns_itself_where_nothing_changes() -> None:
    x = torch.ones(2)
    assert x.to(torch.float32) is x and x.to("cpu") is x and x.float() is x
    assert x.to("cpu", torch.float64).dtype is torch.float64
    assert x.to(torch.ones(1, dtype=torch.int32)).dtype is torch.int32
    assert x.type() == "torch.FloatTensor" and x.type("torch.LongTensor").dtype is torch.int64


def test_a_gradient_flows_back_through_a_cast() -> None:
    x = torch.ones(2, requires_grad=True)
    x.double().sum().backward()
    assert x.grad is not None and x.grad.dtype is torch.float32


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        torch.device("gpuu")
    assert torch.device("cuda:1") == torch.device("cuda", 1)
    assert torch.ones(1).device == torch.device("cpu")


def test_strides_are_those_that_torch_would_have() -> None:
    x = torch.zeros(2, 3, 4)
    assert x.stride() == (12, 4, 1) and x.is_contiguous()
    assert x.transpose(0, 2).stride() == (1, 4, 12) and not x.transpose(0, 2).is_contiguous()
    assert x[:, 1:].storage_offset() == 4
    assert x.permute(2, 0, 1).contiguous().stride() == (6, 3, 1)


def test_views_as_another_type_are_laid_out_in_elements_of_that_type() -> None:
    z = torch.zeros(3, 4, dtype=torch.complex64)
    parts = torch.view_as_real(z)
    assert parts.stride() == (8, 2, 1) and parts[1:].storage_offset() == 8
    assert parts.reshape(3, 8).shape == (3, 8) and torch.view_as_real(z.T).stride() == (2, 8, 1)
    assert (z.real.stride(), z[1:].imag.storage_offset(), z.imag.is_contiguous()) == ((8, 2), 9, False)
    assert torch.view_as_complex(torch.zeros(3, 5, 2)[1:, 2:]).storage_offset() == 7
    x = torch.zeros(4, 6)
    assert x[1:].view(torch.uint8)[:, 4:].stride() == (24, 1) and x.view(torch.float64)[1:].storage_offset() == 3


def test_a_deepcopy_and_a_pickle_are_independent_leaves() -> None:
    w = torch.ones(2, requires_grad=True)
    for twin in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert twin.requires_grad and twin.is_leaf
        twin.data.add_(1)
        assert w.tolist() == [1.0, 1.0] and twin.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(w * 2)


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ([torch.ones(1), torch.ones(1)], (2,)),
        ([[torch.ones(1), 1.0], [2, torch.ones(1, 1)]], (2, 2)),
        ([2.0, torch.ones(1)], (2,)),
        ((torch.ones(()), torch.ones(1)), (2,)),
    ],
)
def test_a_tensor_of_one_element_counts_as_a_number_in_a_list(data: Any, shape: tuple[int, ...]) -> None:
    assert tuple(torch.tensor(data).shape) == shape
    assert tuple(torch.FloatTensor(data).shape) == shape


def test_a_larger_tensor_behind_a_number_in_a_list_is_refused() -> None:
    with pytest.raises(ValueError, match="only one element tensors"):
        torch.tensor([1, torch.ones(2)])


def test_a_pickle_keeps_what_a_program_hung_on_a_tensor() -> None:
    w: Any = torch.ones(2)
    w.note = "mine"
    assert pickle.loads(pickle.dumps(w)).note == "mine"


def test_numbers_reach_the_type_asked_for_without_another_between() -> None:
    assert torch.tensor([0.1, 2.6], dtype=torch.float64).tolist() == [0.1, 2.6]
    assert torch.tensor(0.1 + 0.2j, dtype=torch.complex128).item() == 0.1 + 0.2j
    assert torch.tensor([2**63 + 1], dtype=torch.uint64).tolist() == [2**63 + 1]


def test_types_of_which_jax_has_no_arrays_can_be_named_and_compared() -> None:
    assert torch.complex32 is torch.chalf and torch.complex32 not in (torch.float16, torch.complex64)
    assert torch.complex32.is_complex and not torch.quint8.is_signed and repr(torch.qint8) == "torch.qint8"
    assert pickle.loads(pickle.dumps(torch.complex32)) is torch.complex32
    with pytest.raises(NotImplementedError, match=r"there are no Tensors of type torch\.complex32"):
        torch.zeros(2, dtype=torch.complex32)
    with pytest.raises(NotImplementedError, match=r"there are no Tensors of type torch\.quint8"):
        torch.zeros(2).to(torch.quint8)


def test_a_number_that_an_integer_type_has_not_keeps_its_low_bits() -> None:
    x = torch.tensor([-3.7, 300.2, 70000.0, 255.9, float("nan"), float("-inf"), 3e9])
    assert x.to(torch.uint8).tolist() == [253, 44, 112, 255, 0, 0, 0]
    assert x.to(torch.int16).tolist() == [-3, 300, 4464, 255, 0, 0, 0]
    assert x.int().tolist() == [-3, 300, 70000, 255, -(2**31), -(2**31), -(2**31)]
    assert x.long().tolist() == [-3, 300, 70000, 255, -(2**63), -(2**63), 3_000_000_000]
    assert x.half().to(torch.int8).tolist() == [-3, 44, 0, -1, 0, 0, 0]
