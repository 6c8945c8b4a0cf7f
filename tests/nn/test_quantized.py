"""Layers of 8-bit integers are there by name only."""

import pytest

import fxtorch as torch
from fxtorch import nn


@pytest.mark.parametrize("name", ["BatchNorm2d", "Conv2d", "LSTM", "Linear"])
def test_quantised_layers_can_be_named_and_asked_for_but_not_made(name: str) -> None:
    layer = getattr(nn.quantized, name)
    assert not isinstance(nn.Linear(2, 2), layer)
    with pytest.raises(NotImplementedError, match=f"quantized.{name}: fxtorch does not quantise"):
        layer(2)


def test_the_functional_of_traced_models_is_the_same() -> None:
    both = nn.quantized.FXFloatFunctional().add(torch.ones(2), torch.ones(2))
    assert both.tolist() == [2.0, 2.0]
