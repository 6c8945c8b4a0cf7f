"""The ``meta`` device: shapes and types, and no values."""

from __future__ import annotations

import copy

import pytest

import fxtorch as torch
from fxtorch import nn


def test_operators_give_shapes_and_types_and_compute_nothing() -> None:
    big = torch.randn(10**6, 10**6, device="meta")
    product = big @ big.T
    assert product.shape == (10**6, 10**6) and product.device == torch.device("meta") and product.is_meta
    assert product.stride() == (10**6, 1) and (product > 0).dtype is torch.bool
    found = big.max(0)
    assert found.indices.dtype is torch.int64 and found.values.shape == (10**6,)
    assert repr(torch.zeros(2, 3, device="meta")) == "tensor(..., device='meta', size=(2, 3))"


def test_drawing_on_the_meta_device_leaves_the_generator_where_it_is() -> None:
    torch.manual_seed(0)
    wanted = torch.rand(2)
    torch.manual_seed(0)
    torch.rand(2, device="meta")
    nn.Linear(2, 2, device="meta")
    assert torch.equal(torch.rand(2), wanted)


@pytest.mark.parametrize(
    ("module", "shape", "result"),
    [
        (lambda: nn.Conv2d(3, 4, 3, padding=1), (2, 3, 8, 8), (2, 4, 8, 8)),
        (lambda: nn.TransformerEncoderLayer(8, 2, batch_first=True), (2, 5, 8), (2, 5, 8)),
        (lambda: nn.BatchNorm1d(3), (5, 3), (5, 3)),
    ],
)
def test_a_module_made_under_the_meta_device_tells_its_shapes(module, shape, result) -> None:  # type: ignore[no-untyped-def]
    with torch.device("meta"):
        made = module()
        out = made(torch.ones(shape))
    assert all(t.is_meta for t in made.state_dict().values())
    assert out.shape == result and out.requires_grad and not out.is_leaf
    out.sum().backward()
    assert all(p.grad is not None and p.grad.is_meta and p.grad.shape == p.shape for p in made.parameters())
    assert copy.deepcopy(made).state_dict().keys() == made.state_dict().keys()


def test_in_place_changes_keep_the_meta_device() -> None:
    x = torch.empty(3, 2, device="meta")
    x[0] = 1
    x[:, 1].zero_().uniform_()
    assert (x.copy_(torch.ones(3, 2)).add_(1)).is_meta and x.view(-1).shape == (6,)
    with pytest.raises(NotImplementedError, match="no data"):
        torch.ones(3, 2).copy_(x)


def test_values_come_with_to_empty_or_by_assigning_a_state_dict() -> None:
    layer = nn.Linear(3, 2, device="meta")
    with pytest.raises(NotImplementedError, match="to_empty"):
        layer.to("cpu")
    layer.load_state_dict({"weight": torch.ones(2, 3), "bias": torch.zeros(2)}, assign=True)
    assert layer(torch.ones(1, 3)).tolist() == [[3.0, 3.0]]
    assert nn.Linear(3, 2, device="meta").to_empty(device="cpu").weight.device.type == "cpu"
    assert torch.zeros_like(torch.empty(2, device="meta"), device="cpu").tolist() == [0.0, 0.0]


def test_what_needs_values_raises_torchs_errors() -> None:
    x = torch.ones(1).to("meta")
    for call, error in (
        (x.cpu, NotImplementedError), (x.item, RuntimeError), (x.numpy, TypeError), (x.tolist, NotImplementedError),
        (lambda: bool(x), RuntimeError),
    ):  # fmt: skip
        with pytest.raises(error, match=r"meta tensor|meta device"):
            call()
