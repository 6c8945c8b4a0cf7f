"""Arguments of a wrong type raise torch's TypeError, in torch's words."""

import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from tests.cases.wrong_arguments import WRONG

x = torch.zeros(2, 3)
NAMES = {"torch": torch, "F": F, "x": x}


@pytest.mark.parametrize(("call", "words"), WRONG, ids=[call for call, _ in WRONG])
def test_an_argument_of_a_wrong_type_raises_in_torchs_words(call, words):
    with pytest.raises(TypeError) as raised:
        eval(call, NAMES)
    assert str(raised.value).partition("\n")[0] == words


def test_the_same_wrong_call_raises_each_time():
    for _ in range(2):
        with pytest.raises(TypeError, match="must be int, not str"):
            torch.unsqueeze(x, "a")


def test_whole_numbers_of_other_kinds_are_ints():
    import numpy as np

    dim = torch.tensor(1)
    assert torch.sum(x, np.int64(1)).shape == (2,)
    assert torch.cumsum(x, dim).shape == x.shape
    assert torch.zeros(np.int32(2), dim).shape == (2, 1)


def test_none_stands_for_an_argument_that_may_be_absent():
    assert torch.argmax(x, None) == 0
    assert torch.sum(x, None) == 0


def test_a_number_is_no_tensor_on_the_short_way_either():
    torch.maximum(x, x)  # the program of the short way is there
    with pytest.raises(TypeError, match="must be Tensor, not float"):
        torch.maximum(x, 1.5)


def test_pythons_types_are_types_of_64_bits() -> None:
    assert torch.ones(2, dtype=float).dtype is torch.float64 and torch.ones(1).to(float).dtype is torch.float64
    assert torch.ones(2, dtype=complex).dtype is torch.complex128 and torch.ones(2, dtype=int).dtype is torch.int64


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: torch.zeros(2, dtype="float32"), TypeError, "'dtype' must be torch.dtype, not str"),
        (lambda x: torch.tensor([1], dtype="float32"), TypeError, "'dtype' must be torch.dtype, not str"),
        (lambda x: x.to(dtype="float32"), TypeError, "'dtype' must be torch.dtype, not str"),
        (lambda x: x.sum(dtype="float32"), TypeError, "'dtype' must be torch.dtype, not str"),
        (lambda x: torch.set_default_dtype("float32"), TypeError, "invalid dtype object"),  # type: ignore[arg-type]
        (lambda x: x["a"], TypeError, r"new\(\): invalid data type 'str'"),
        (lambda x: x[0, b"a"], TypeError, r"new\(\): invalid data type 'bytes'"),
        (lambda x: x.type("foo"), ValueError, "invalid type: 'foo'"),
        (lambda x: int(x), ValueError, "only one element tensors can be converted to Python scalars"),
        (lambda x: torch.where(x, 1, 2), RuntimeError, "expected condition to be a boolean tensor.*dtype Float"),
        (lambda x: x & 1, NotImplementedError, "\"bitwise_and_cpu\" not implemented for 'Float'"),
        (lambda x: torch.rand(2, dtype=torch.int64), NotImplementedError, "not implemented for 'Long'"),
    ],
)
def test_what_is_no_argument_raises_pytorchs_error(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call(torch.ones(2, 3))
