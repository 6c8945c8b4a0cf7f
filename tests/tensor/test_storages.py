"""The bytes behind Tensors and of files, and where they lie."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fxtorch as torch


def read(tensor: Any, count: int) -> list[float]:
    """Floats that lie where the Tensor says, one after the other."""
    return list((ctypes.c_float * count).from_address(tensor.data_ptr()))


def test_the_elements_lie_where_the_tensor_says() -> None:
    x = torch.arange(6.0).reshape(2, 3) * 2
    assert read(x, 6) == [0, 2, 4, 6, 8, 10]
    assert read(x[1, 1:], 2) == [8, 10]
    assert read(x.t(), 6) == [0, 2, 4, 6, 8, 10]  # its strides say that neighbours are three apart
    x[1] = 5
    assert read(x, 6) == [0, 2, 4, 5, 5, 5]
    assert torch.empty(2, device="meta").data_ptr() == 0


def test_the_bytes_of_a_file_are_had_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(np.arange(6, dtype=np.float32).tobytes())
    whole = torch.UntypedStorage.from_file(path, shared=False, nbytes=24).untyped()
    assert (len(whole), whole.nbytes(), len(whole[4:12]), whole[7]) == (24, 24, 8, 63)
    part = torch.asarray(whole[8:16], dtype=torch.uint8).view(dtype=torch.float32)
    assert part.tolist() == [2.0, 3.0]
    assert len(torch.UntypedStorage.from_file(path)) == 0
    with pytest.raises(RuntimeError, match="24 bytes, and 25 were asked for"):
        torch.UntypedStorage.from_file(path, nbytes=25)
    with pytest.raises(RuntimeError, match="shared=False"):
        torch.UntypedStorage.from_file(path, shared=True, nbytes=4)
    with pytest.raises(FileNotFoundError):
        torch.UntypedStorage.from_file(tmp_path / "none", nbytes=4)


def test_a_tensors_storage_is_its_bases_bytes() -> None:
    x = torch.tensor([1, 256], dtype=torch.int16)
    assert x[1:].untyped_storage().tolist() == [1, 0, 0, 1]
    assert x.storage().untyped()[3] == 1


def test_the_same_bytes_are_read_as_truth_values_and_complex_numbers() -> None:
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert x.view(torch.complex64).tolist() == [1 + 2j, 3 + 4j]
    assert x.view(dtype=torch.complex64).view(torch.float32).tolist() == x.tolist()
    assert torch.tensor([0, 1], dtype=torch.uint8).view(torch.bool).tolist() == [False, True]
    assert torch.tensor([True, False]).view(torch.uint8).tolist() == [1, 0]
    with pytest.raises(TypeError, match="unexpected keyword argument 'dtype'"):
        x.view(2, 2, dtype=torch.int32)  # type: ignore[call-overload]
