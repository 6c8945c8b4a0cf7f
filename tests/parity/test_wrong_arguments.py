"""The words for arguments of a wrong type are PyTorch's own."""

import pytest

from tests.cases.wrong_arguments import WRONG
from tests.cases.wrong_programs import WRONG_PROGRAMS

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.checkpoint")


@pytest.mark.parametrize(("call", "words"), WRONG, ids=[call for call, _ in WRONG])
def test_pytorch_says_the_same(call, words):
    names = {"torch": torch, "F": torch.nn.functional, "x": torch.zeros(2, 3)}
    with pytest.raises(TypeError) as raised:
        eval(call, names)
    assert str(raised.value).partition("\n")[0] == words


@pytest.mark.parametrize(("program", "error", "words"), WRONG_PROGRAMS, ids=[p for p, _, _ in WRONG_PROGRAMS])
def test_pytorch_goes_wrong_in_the_same_words(program, error, words):
    with pytest.raises(error) as raised:
        exec(program, {"torch": torch, "nn": torch.nn, "F": torch.nn.functional})
    assert str(raised.value).partition("\n")[0] == words
