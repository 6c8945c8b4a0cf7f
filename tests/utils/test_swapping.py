"""Two Tensors change places."""

import pytest

import fxtorch as torch
from fxtorch import nn


def test_values_gradients_classes_and_attributes_change_places():
    a, b = nn.Parameter(torch.ones(2)), torch.zeros(3)
    a.sum().backward()
    setattr(a, "tag", "first")  # noqa: B010  (an attribute that no type knows)
    held = a
    torch.utils.swap_tensors(a, b)
    assert held is a and a.tolist() == [0.0] * 3 and type(a) is torch.Tensor and a.grad is None
    assert type(b) is nn.Parameter and b.grad.tolist() == [1.0, 1.0] and b.tag == "first" and b.requires_grad


def test_a_module_and_its_optimizer_go_on_with_what_was_swapped_in():
    layer = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)

    @torch.jit
    def step():
        optimizer.zero_grad()
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()

    for _ in range(3):
        step()
    torch.utils.swap_tensors(layer.weight, nn.Parameter(torch.full((1, 2), 5.0)))
    step()
    assert layer.weight.tolist() == [[4.0, 4.0]]


def test_a_view_is_not_swapped():
    with pytest.raises(RuntimeError, match="swap_tensors"):
        torch.utils.swap_tensors(torch.zeros(3)[1:], torch.zeros(2))
