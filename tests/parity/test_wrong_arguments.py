"""The words for arguments of a wrong type are PyTorch's own."""

import pytest

from tests.cases.wrong_arguments import WRONG

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(("call", "words"), WRONG, ids=[call for call, _ in WRONG])
def test_pytorch_says_the_same(call, words):
    names = {"torch": torch, "F": torch.nn.functional, "x": torch.zeros(2, 3)}
    with pytest.raises(TypeError) as raised:
        eval(call, names)
    assert str(raised.value).partition("\n")[0] == words
