"""Module: registration, attributes, traversal, conversion, repr, copies."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.nn.modules.module import register_module_parameter_registration_hook


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 3)
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("cache", torch.ones(2), persistent=False)
        self.scale = nn.Parameter(torch.ones(3))
        self.note = "kept"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x).relu()) * self.scale + self.mean


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


def test_parameters_come_in_the_order_of_assignment_parents_first() -> None:
    assert names(Block().named_parameters()) == [
        "scale",
        "first.weight",
        "first.bias",
        "second.weight",
        "second.bias",
    ]


def test_a_reassigned_parameter_keeps_its_place() -> None:
    layer = nn.Linear(2, 2)
    layer.weight = nn.Parameter(torch.ones(2, 2))
    assert names(layer.named_parameters()) == ["weight", "bias"]


def test_recurse_false_gives_only_what_is_the_modules_own() -> None:
    block = Block()
    assert names(block.named_parameters(recurse=False)) == ["scale"]
    assert names(block.named_buffers(recurse=False)) == ["mean", "cache"]


def test_tied_parameters_come_once_or_under_every_name() -> None:
    block = Block()
    block.third = nn.Linear(3, 4)
    block.third.weight = block.first.weight
    assert "third.weight" not in names(block.named_parameters())
    assert "third.weight" in names(block.named_parameters(remove_duplicate=False))


def test_a_module_under_two_names_comes_once_or_under_both() -> None:
    block = Block()
    block.again = block.first
    assert names(block.named_children()) == ["first", "second"]
    assert names(block.named_modules(remove_duplicate=False)) == ["", "first", "second", "again"]


def test_get_by_dotted_name() -> None:
    outer = nn.Sequential(Block())
    assert outer.get_submodule("0.first") is outer[0].first
    assert outer.get_parameter("0.first.weight") is outer[0].first.weight
    assert outer.get_buffer("0.mean") is outer[0].mean
    assert outer.get_submodule("") is outer
    outer.set_submodule("0.first", nn.Identity())
    assert isinstance(outer[0].first, nn.Identity)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda m: m.get_submodule("first.y"), AttributeError, "Linear has no attribute `y`"),
        (lambda m: m.get_submodule("scale"), AttributeError, "`scale` is not an nn.Module"),
        (lambda m: m.get_parameter("first"), AttributeError, "`first` is not an nn.Parameter"),
        (lambda m: m.get_buffer("scale"), AttributeError, "`scale` is not a buffer"),
        (lambda m: m.set_submodule("", m), ValueError, "Cannot set the submodule without a target name!"),
        (lambda m: m.nothing, AttributeError, "'Block' object has no attribute 'nothing'"),
        (
            lambda m: setattr(m, "scale", 3),
            TypeError,
            "cannot assign 'int' as parameter 'scale' (torch.nn.Parameter or",
        ),
        (
            lambda m: setattr(m, "scale", torch.ones(3)),
            TypeError,
            "cannot assign 'torch.FloatTensor' as parameter 'scale' (torch.nn.Parameter or None expected)",
        ),
        (
            lambda m: setattr(m, "first", 3),
            TypeError,
            "cannot assign 'int' as child module 'first' (torch.nn.Module or",
        ),
        (
            lambda m: setattr(m, "mean", 3),
            TypeError,
            "cannot assign 'int' as buffer 'mean' (torch.nn.Buffer, torch.Tens",
        ),
        (lambda m: m.register_buffer("scale", None), KeyError, "attribute 'scale' already exists"),
        (lambda m: m.register_buffer("a.b", None), KeyError, 'buffer name can\\\'t contain "."'),
        (lambda m: m.register_buffer("", None), KeyError, 'buffer name can\\\'t be empty string ""'),
        (lambda m: m.register_buffer(3, None), TypeError, "buffer name should be a string. Got int"),
        (
            lambda m: m.register_buffer("b", 3),
            TypeError,
            "cannot assign 'int' object to buffer 'b' (torch Tensor or None",
        ),
        (lambda m: m.register_parameter("forward", None), KeyError, "attribute 'forward' already exists"),
        (
            lambda m: m.register_parameter("b", 3),
            TypeError,
            "cannot assign 'int' object to parameter 'b' (torch.nn.Para",
        ),
        (lambda m: m.add_module("b", 3), TypeError, "int is not a Module subclass"),
        (lambda m: m.add_module("a.b", None), KeyError, 'module name can\\\'t contain ".", got: a.b'),
        (lambda m: m.train("yes"), ValueError, "training mode is expected to be boolean"),
        (lambda m: m.to(torch.int32), TypeError, "nn.Module.to only accepts floating point or complex dtypes, but got"),
        (lambda m: nn.Module(1), TypeError, "Module.__init__() takes 1 positional argument but 2 were given"),
        (lambda m: nn.Module(a=1), TypeError, "Module.__init__() got an unexpected keyword argument 'a'"),
        (lambda m: nn.Module()(1), NotImplementedError, 'Module [Module] is missing the required "forward" function'),
    ],
)
def test_errors_are_in_torchs_words(call: Callable[[Any], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        call(Block())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda: nn.Linear(1, 1), "cannot assign module before Module.__init__() call"),
        (lambda: nn.Parameter(torch.ones(1)), "cannot assign parameters before Module.__init__() call"),
        (lambda: nn.Buffer(torch.ones(1)), "cannot assign buffer before Module.__init__() call"),
    ],
)
def test_assigning_before_init_says_so(value: Callable[[], Any], words: str) -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.x = value()

    with pytest.raises(AttributeError, match=re.escape(words)):
        Early()


def test_none_reserves_a_name_and_a_module_takes_a_parameters_place() -> None:
    block: Any = Block()
    block.scale = None
    assert block.scale is None and "scale" not in names(block.named_parameters())
    block.mean = nn.Parameter(torch.ones(3))
    assert "mean" in names(block.named_parameters()) and "mean" not in names(block.named_buffers())
    del block.first
    assert not hasattr(block, "first")
    with pytest.raises(AttributeError):
        del block.first


def test_a_buffer_assigned_by_class_is_registered() -> None:
    module = nn.Module()
    module.kept = nn.Buffer(torch.ones(1))
    module.left_out = nn.Buffer(torch.ones(1), persistent=False)
    assert names(module.named_buffers()) == ["kept", "left_out"]
    assert list(module.state_dict()) == ["kept"]


def test_a_non_leaf_is_no_parameter() -> None:
    module = nn.Module()
    computed: Any = nn.Parameter(torch.ones(1)) * 2
    with pytest.raises(TypeError, match=r"cannot assign 'torch\.FloatTensor' object to parameter 'x'"):
        module.register_parameter("x", computed)


def test_dir_lists_what_is_registered_and_no_numbers() -> None:
    listed = dir(nn.Sequential(Block()))
    assert "0" not in listed
    assert {"scale", "mean", "first", "note"} <= set(dir(Block()))


def test_train_and_eval_reach_everything() -> None:
    model = nn.Sequential(Block(), nn.Dropout())
    assert model.eval() is model and not any(m.training for m in model.modules())
    assert all(m.training for m in model.train().modules())


def test_apply_visits_children_first() -> None:
    seen: list[str] = []
    nn.Sequential(nn.Linear(1, 1), nn.ReLU()).apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "ReLU", "Sequential"]


def test_conversion_keeps_the_parameters_and_leaves_integers_alone() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    weight = model[0].weight
    model(torch.ones(3, 2)).sum().backward()
    assert model.double() is model
    assert model[0].weight is weight and weight.dtype == torch.float64
    assert weight.grad.dtype == torch.float64
    assert model[1].running_mean.dtype == torch.float64 and model[1].num_batches_tracked.dtype == torch.int64
    assert model.half()[0].weight.dtype == torch.float16
    assert model.to(torch.ones(1)).get_parameter("0.weight").dtype == torch.float32
    assert model.to("cpu", torch.bfloat16)[0].weight.dtype == torch.bfloat16
    assert model.float().type(torch.float64)[0].weight.dtype == torch.float64


def test_to_empty_keeps_shapes() -> None:
    layer = nn.Linear(2, 3).to_empty(device="cpu")
    assert layer.weight.shape == (3, 2) and layer.weight.requires_grad


def test_zero_grad_drops_or_zeroes() -> None:
    layer = nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.tolist() == [[0.0, 0.0]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_requires_grad_reaches_all_parameters() -> None:
    block = Block().requires_grad_(False)
    assert not any(p.requires_grad for p in block.parameters())
    assert not block(torch.ones(1, 3)).requires_grad


def test_repr_nests_and_indents() -> None:
    class Described(Block):
        def extra_repr(self) -> str:
            return "one\ntwo"

    assert repr(nn.Sequential(Described())) == (
        "Sequential(\n"
        "  (0): Described(\n"
        "    one\n"
        "    two\n"
        "    (first): Linear(in_features=3, out_features=4, bias=True)\n"
        "    (second): Linear(in_features=4, out_features=3, bias=True)\n"
        "  )\n"
        ")"
    )


def test_deepcopy_is_independent_and_keeps_ties() -> None:
    block = Block()
    block.third = nn.Linear(3, 4)
    block.third.weight = block.first.weight
    twin = copy.deepcopy(block)
    assert twin.third.weight is twin.first.weight
    with torch.no_grad():
        twin.first.weight.zero_()
    assert block.first.weight.abs().sum() > 0


def test_pickle_keeps_values_modes_and_attributes() -> None:
    block: Any = Block().eval()
    block.scale.tag = "mine"
    read = pickle.loads(pickle.dumps(block))
    assert isinstance(read.scale, nn.Parameter) and read.scale.tag == "mine" and not read.training
    x = torch.ones(2, 3)
    assert torch.equal(read(x), block(x))


def test_a_registration_hook_sees_parameters() -> None:
    seen: list[str] = []
    with register_module_parameter_registration_hook(lambda module, name, value: seen.append(name)):
        nn.Linear(1, 1)
    nn.Linear(1, 1)
    assert seen == ["weight", "bias"]


def test_cooperative_init_passes_arguments_on() -> None:
    class Other:
        def __init__(self, a: int) -> None:
            self.a = a

    class Both(nn.Module, Other):
        call_super_init = True

        def __init__(self) -> None:
            super().__init__(a=3)

    assert Both().a == 3
