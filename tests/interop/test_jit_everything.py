import numpy as np
import pytest
from PIL import Image

import fxtorch as torch
from fxtorch.compiler import CompiledFunction
from fxtorch.interop.jit_everything import jit_everything
from fxtorch.vision import transforms


@pytest.fixture
def calls(monkeypatch):
    """The names of the Modules whose calls are given to the compiler."""
    seen = []
    real = CompiledFunction.__call__

    def call(self, *args, **kwargs):
        seen.append(self.__name__)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(CompiledFunction, "__call__", call)
    jit_everything()
    yield seen
    jit_everything(False)


class ToArray(torch.nn.Module):
    def forward(self, image):
        return torch.tensor(np.asarray(image))


def test_a_module_that_is_given_no_tensor_and_has_none_is_not_compiled(calls):
    for shade in range(3):
        image = Image.fromarray(np.full((2, 2), shade, np.uint8))
        assert ToArray()(image).tolist() == [[shade] * 2] * 2
        assert transforms.ToTensor()(image).shape == (1, 2, 2)
    assert calls == []


def test_a_module_with_parameters_or_with_a_tensor_in_a_container_is_compiled(calls):
    class Shift(torch.nn.Module):
        def forward(self, batch):
            return batch["x"] + 1

    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones(2))

        def forward(self):
            return self.w * 2

    assert Shift()({"x": torch.zeros(2)}).tolist() == [1, 1]
    assert Own()().tolist() == [2, 2]
    assert len(calls) == 2
