"""state_dict and load_state_dict."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def values(module: nn.Module) -> dict[str, Any]:
    return {k: v.numpy().copy() for k, v in module.state_dict().items()}


def test_keys_metadata_and_aliasing() -> None:
    net = model()
    state: Any = net.state_dict()
    assert list(state) == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    ]
    assert isinstance(state, OrderedDict)
    assert dict(vars(state)["_metadata"]) == {"": {"version": 1}, "0": {"version": 1}, "1": {"version": 2}}
    assert not state["0.weight"].requires_grad and net.state_dict(keep_vars=True)["0.weight"] is net[0].weight
    with torch.no_grad():
        net[0].weight.fill_(7)
    assert (state["0.weight"] == 7).all()


def test_prefix_and_destination() -> None:
    into: Any = OrderedDict(other=1)
    assert list(nn.Linear(1, 1).state_dict(destination=into, prefix="p.")) == ["other", "p.weight", "p.bias"]
    with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
        assert "q.weight" in nn.Linear(1, 1).state_dict(OrderedDict(), "q.")


def test_round_trip_copies_into_the_same_tensors() -> None:
    source, target = model(), model()
    weight = target[0].weight
    source(torch.randn(5, 2))
    assert repr(target.load_state_dict(source.state_dict())) == "<All keys matched successfully>"
    assert target[0].weight is weight
    for name, value in values(source).items():
        np.testing.assert_array_equal(values(target)[name], value)
    with torch.no_grad():
        source[0].weight.zero_()
    assert target[0].weight.abs().sum() > 0


def test_every_mismatch_is_named_and_nothing_changes() -> None:
    net = model()
    before = values(net)
    state = {"0.weight": torch.ones(3, 3), "0.bias": 3, "1.weight": torch.full((3,), 9.0), "1.zz": torch.ones(1)}
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "1.bias", "1.running_mean", "1.running_var". \n'
        '\tUnexpected key(s) in state_dict: "1.zz". \n'
        "\tsize mismatch for 0.weight: copying a param with shape torch.Size([3, 3]) from checkpoint, the shape in "
        "current model is torch.Size([3, 2]).\n"
        '\tWhile copying the parameter named "0.bias", expected torch.Tensor or Tensor-like object from checkpoint '
        "but received <class 'int'>"
    )
    for name, value in values(net).items():
        np.testing.assert_array_equal(value, before[name])


def test_not_strict_loads_what_fits_and_reports_the_rest() -> None:
    net = nn.Linear(2, 1)
    result = net.load_state_dict({"weight": torch.ones(1, 2), "extra": torch.ones(1)}, strict=False)
    assert result.missing_keys == ["bias"] and result.unexpected_keys == ["extra"]
    assert repr(result) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['extra'])"
    assert net.weight.tolist() == [[1.0, 1.0]]


def test_a_shape_mismatch_is_an_error_even_where_not_strict() -> None:
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        nn.Linear(2, 1).load_state_dict({"weight": torch.ones(2, 2)}, strict=False)


def test_only_mappings_are_loaded() -> None:
    with pytest.raises(TypeError, match=re.escape("Expected state_dict to be dict-like, got <class 'list'>.")):
        nn.Linear(1, 1).load_state_dict([])  # type: ignore[arg-type]


def test_assign_takes_the_tensors_themselves() -> None:
    net = nn.Linear(2, 1).requires_grad_(False)
    given = torch.ones(1, 2, dtype=torch.float64)
    net.load_state_dict({"weight": given, "bias": nn.Parameter(torch.zeros(1))}, assign=True)
    assert net.weight.dtype == torch.float64 and isinstance(net.weight, nn.Parameter)
    assert not net.weight.requires_grad and net.bias.requires_grad


def test_old_batch_norm_states_have_no_batch_counter() -> None:
    norm = nn.BatchNorm1d(2)
    state = {k: v for k, v in norm.state_dict().items() if k != "num_batches_tracked"}
    assert repr(norm.load_state_dict(state)) == "<All keys matched successfully>"


class WithExtra(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def get_extra_state(self) -> Any:
        return {"count": self.count}

    def set_extra_state(self, state: Any) -> None:
        self.count = state["count"]


def test_extra_state_travels() -> None:
    source, target = nn.Sequential(WithExtra()), nn.Sequential(WithExtra())
    source[0].count = 5
    assert list(source.state_dict()) == ["0._extra_state"]
    target.load_state_dict(source.state_dict())
    assert target[0].count == 5
    with pytest.raises(RuntimeError, match="Missing key"):
        target.load_state_dict({})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        nn.Sequential(nn.ReLU()).load_state_dict(source.state_dict())


def test_hooks_see_saving_and_loading() -> None:
    net = nn.Linear(1, 1)
    seen: list[str] = []
    net.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append("before saving"))
    net.register_state_dict_post_hook(lambda module, state, prefix, meta: state.update(added=torch.ones(1)))
    state = net.state_dict()
    assert "added" in state
    net.register_load_state_dict_pre_hook(lambda module, state, *rest: seen.append(type(module).__name__))

    def forgive(module: nn.Module, keys: Any) -> None:
        seen.append("after loading")
        keys.unexpected_keys.clear()

    handle = net.register_load_state_dict_post_hook(forgive)
    net.load_state_dict(state)
    assert seen == ["before saving", "Linear", "after loading"]
    handle.remove()
    with pytest.raises(RuntimeError, match='Unexpected key\\(s\\) in state_dict: "added"'):
        net.load_state_dict(state)


def test_a_post_hook_may_not_return_anything() -> None:
    net = nn.Linear(1, 1)
    net.register_load_state_dict_post_hook(lambda module, keys: keys)
    with pytest.raises(RuntimeError, match="should be done inplace"):
        net.load_state_dict(net.state_dict())


def test_a_subclass_that_renames_keys_is_heard() -> None:
    class Renaming(nn.Linear):
        def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, *rest)

    net = nn.Sequential(Renaming(1, 1))
    net.load_state_dict({"0.w": torch.full((1, 1), 4.0), "0.bias": torch.zeros(1)})
    assert net[0].weight.item() == 4
