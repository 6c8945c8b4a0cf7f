"""Programs that go wrong say what PyTorch says."""

import pytest

import fxtorch as torch
import fxtorch.utils.checkpoint
import fxtorch.utils.data
from tests.cases.wrong_programs import WRONG_PROGRAMS


@pytest.mark.parametrize(("program", "error", "words"), WRONG_PROGRAMS, ids=[p for p, _, _ in WRONG_PROGRAMS])
def test_the_error_is_pytorchs(program: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as raised:
        exec(program, {"torch": torch, "nn": torch.nn, "F": torch.nn.functional})
    assert str(raised.value).partition("\n")[0] == words


def test_kl_div_warns_that_mean_is_not_the_divergence() -> None:
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        torch.nn.functional.kl_div(torch.zeros(3, 5), torch.zeros(3, 5), reduction="mean")
