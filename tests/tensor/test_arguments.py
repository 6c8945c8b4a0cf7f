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
