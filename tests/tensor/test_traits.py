"""What programs ask a Tensor, typed constructors, storage, and methods that go through Python."""

from __future__ import annotations

import copy
import pickle
import typing

import numpy as np
import pytest

import fxtorch as torch


def test_typed_constructors_take_sizes_and_values() -> None:
    assert torch.FloatTensor(2, 3).shape == (2, 3)
    assert torch.LongTensor([1, 2]).dtype == torch.int64
    assert torch.BoolTensor([1, 0]).tolist() == [True, False]
    assert torch.FloatTensor(torch.Size([4])).dtype == torch.float32
    assert isinstance(torch.ones(1), torch.FloatTensor) and not isinstance(torch.ones(1), torch.LongTensor)


def test_the_default_type_by_the_name_of_a_constructor() -> None:
    torch.set_default_tensor_type("torch.DoubleTensor")
    try:
        assert torch.zeros(1).dtype == torch.float64
    finally:
        torch.set_default_tensor_type(torch.FloatTensor)
    assert torch.zeros(1).dtype == torch.float32


def test_layouts_and_memory_formats_are_accepted_and_survive_a_copy() -> None:
    x = torch.zeros(1, 2, 3, 3)
    assert x.layout is torch.strided
    assert x.to(memory_format=torch.channels_last).shape == x.contiguous(memory_format=torch.channels_last).shape
    pictures = torch.zeros(2, 4, 5, 3).permute(0, 3, 1, 2)
    assert pictures.is_contiguous(memory_format=torch.channels_last) and not pictures.is_contiguous()
    assert not pictures[:, :2].is_contiguous(memory_format=torch.channels_last)
    assert pickle.loads(pickle.dumps(torch.channels_last)) == copy.deepcopy(torch.channels_last) == torch.channels_last
    assert repr(torch.preserve_format) == "torch.preserve_format"


def test_functions_applied_element_by_element() -> None:
    x = torch.tensor([1.0, 4.0])
    assert x.apply_(lambda v: v + 1) is x and x.tolist() == [2.0, 5.0]
    assert x.map_(torch.tensor([10.0, 20.0]), lambda a, b: a * b).tolist() == [20.0, 100.0]
    with pytest.raises(RuntimeError, match="requires grad"):
        torch.ones(1, requires_grad=True).apply_(abs)


def test_sum_to_size_undoes_broadcasting() -> None:
    x = torch.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(x.sum_to_size(2, 1).numpy(), x.numpy().sum((0, 2), keepdims=False)[:, None])
    with pytest.raises(RuntimeError, match="not expandable"):
        x.sum_to_size(5)


def test_views_share_an_address_and_copies_do_not() -> None:
    x = torch.arange(6.0)
    assert x.view(2, 3).data_ptr() == x.data_ptr() == x.detach().data_ptr() != x.clone().data_ptr()
    assert x[2:].data_ptr() == x.data_ptr() + 8
    assert x.untyped_storage().nbytes() == x[2:].untyped_storage().nbytes() == 24
    assert x.storage().tolist() == x.tolist() and len(x.storage()) == 6
    assert torch.is_storage(x.storage()) and not torch.is_storage(x)


def test_resize_keeps_the_elements_that_fit() -> None:
    x = torch.arange(4.0)
    assert x.resize_(2, 3).tolist() == [[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]]
    assert x.resize_as_(torch.zeros(2)).tolist() == [0.0, 1.0]


def test_a_tensor_set_to_another_shares_its_values() -> None:
    x, y = torch.zeros(2), torch.ones(3)
    x.set_(y)
    assert x.tolist() == [1.0, 1.0, 1.0] and x.is_set_to(y)


def test_copies_of_views_are_not_views() -> None:
    x = torch.arange(4.0)
    y = torch.view_copy(x, (2, 2))
    y.zero_()
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert [t.tolist() for t in torch.split_copy(x, 2)] == [[0.0, 1.0], [2.0, 3.0]]


def test_names_of_types() -> None:
    assert torch.typename(torch.ones(1)) == "torch.FloatTensor"
    assert torch.typename(torch.ones(1, dtype=torch.int64)) == "torch.LongTensor"
    assert torch.typename(3) == "int"


def test_what_no_tensor_is() -> None:
    x = torch.ones(1)
    assert not (x.is_sparse or x.is_quantized or x.is_meta or x.is_nested or x.is_conj() or x.is_pinned())
    assert x.to_dense() is x


def test_a_tensor_of_a_buffer() -> None:
    data = bytearray(np.arange(4, dtype=np.float32).tobytes())
    assert torch.frombuffer(data, dtype=torch.float32, count=2, offset=4).tolist() == [1.0, 2.0]


def test_the_annotations_of_tensor_and_parameter_can_be_read() -> None:
    for cls in (torch.Tensor, torch.nn.Parameter):
        assert "name" in typing.get_type_hints(cls)
