"""Every module of PyTorch's module database, with all of its constructor inputs.

A module is built twice from the same arguments; ours takes torch's weights.  Compared are the names and shapes of the
state (both ways), the repr, outputs, the gradients of inputs and parameters for fixed cotangents, the state afterwards,
and the class of the exceptions for wrong arguments.

Where two float32 results differ by more than PyTorch's tolerance (long sums in another order, that cancel), both are
computed in float64: there they must agree to its tolerance, and in float32 to the largest element's, or ours must be
no more than twice as far from PyTorch's float64 result as PyTorch's own float32 result is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fxtorch
from tests.conformance.translation import (
    RTOL,
    Translation,
    difference,
    distance,
    in_sample,
    leaves,
    sample,
    state,
    tensors,
    torch,
)

common_modules = pytest.importorskip("torch.testing._internal.common_modules", reason="torch's own test databases")

MODULES = list(common_modules.module_db)
KEEP = 1  # constructor inputs of a module in a run that is not whole
SHARE = 6  # and one in how many modules
DTYPES = dict.fromkeys(["nn.FractionalMaxPool2d", "nn.FractionalMaxPool3d"], torch.float64)  # as their samples are

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, on reduction names, nested tensors, chunking


def inputs(info: Any, training: bool) -> list[Any]:
    torch.manual_seed(0)
    dtype = DTYPES.get(info.name, torch.float32)
    return list(info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=training))


def run(module: Any, given: tuple[Any, Any], library: Any) -> dict[str, Any]:
    """Outputs, gradients of inputs and parameters for cotangents that depend on the shape alone, state afterwards."""
    args, kwargs = given
    outputs = tensors(module(*args, **kwargs))
    total: Any = 0
    for out in outputs:
        if out.requires_grad:
            wave = (
                np.cos(np.arange(out.numel())).reshape(tuple(out.shape)).astype(str(out.dtype).removeprefix("torch."))
            )
            total = total + (out * library.tensor(wave)).sum()
    if not isinstance(total, int):
        total.backward()
    found = {f"output {i}": out for i, out in enumerate(outputs)}
    found |= {f"gradient of input {i}": t.grad for i, t in enumerate(tensors(given))}
    found |= {f"gradient of {name}": p.grad for name, p in module.named_parameters()}
    return found | {f"{name} afterwards": t for name, t in module.state_dict().items()}


def made_like(info: Any, one: Any, training: bool, given: Any) -> Any:
    torch.manual_seed(1)
    module = info.module_cls(*one.constructor_input.args, **one.constructor_input.kwargs).train(training)
    if info.is_lazy:
        with torch.no_grad():
            module(*given[0], **given[1])
    return module


def differences(info: Any, one: Any, training: bool) -> Iterator[str]:
    """In what our module differs from torch's for one constructor input."""
    translate, made = Translation(), one.constructor_input
    arguments = (one.forward_input.args, one.forward_input.kwargs)
    theirs_given = leaves(arguments)
    given = translate(theirs_given)
    theirs = made_like(info, one, training, theirs_given)
    ours: Any = getattr(fxtorch.nn, info.module_cls.__name__)(*translate(made.args), **translate(made.kwargs))
    ours.train(training)
    if info.is_lazy:
        with fxtorch.no_grad():
            ours(*given[0], **given[1])
    if repr(ours) != repr(theirs):
        yield f"repr {ours!r} where torch has {theirs!r}"
    expected = state(theirs)
    if list(ours.state_dict()) != list(expected):
        yield f"state {list(ours.state_dict())} where torch has {list(expected)}"
    ours.load_state_dict(expected)
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    for name, value in theirs.state_dict().items():
        if found := difference(expected[name], value):
            yield f"{name} there and back: {found}"
    weights = {name: value.clone() for name, value in theirs.state_dict().items()}
    expected, found = run(theirs, theirs_given, torch), run(ours, given, fxtorch)
    if list(found) != list(expected):
        yield f"{list(found)} where torch has {list(expected)}"
        return
    for what, value in expected.items():
        if text := difference(found[what], value):
            rounding = text.startswith("off by") and value.dtype == torch.float32
            results = found[what], value
            yield from _exactly(info, one, training, weights, what, results) if rounding else [f"{what}: {text}"]


def _near(ours: Any, theirs: Any) -> bool:
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    return distance(a, b) <= 10 * RTOL * float(np.abs(b).max(initial=0))


def _exactly(
    info: Any, one: Any, training: bool, weights: dict[str, Any], what: str, results: tuple[Any, Any]
) -> Iterator[str]:
    """In what ``what`` differs in float64, and whether our float32 result is off by more than rounding."""
    arguments = (one.forward_input.args, one.forward_input.kwargs)
    given, translate = leaves(arguments, double=True), Translation()
    theirs = made_like(info, one, training, leaves(arguments))
    theirs.load_state_dict(weights)
    made = one.constructor_input
    ours: Any = getattr(fxtorch.nn, info.module_cls.__name__)(*translate(made.args), **translate(made.kwargs))
    ours.train(training).load_state_dict(state(theirs))
    found, expected = run(ours.double(), translate(given), fxtorch), run(theirs.double(), given, torch)
    if text := difference(found[what], expected[what], rtol=1e-7, atol=1e-7):
        yield f"{what} in float64: {text}"
    ours32, theirs32 = (distance(x.detach().numpy(), expected[what].detach().numpy()) for x in results)
    if not _near(*results) and ours32 > 2 * theirs32:
        yield f"{what}: off from float64 by {ours32:.3g}, torch by {theirs32:.3g}"


@pytest.mark.parametrize("info", MODULES, ids=lambda info: info.name)
def test_a_module_does_what_torchs_does(info: Any, request: pytest.FixtureRequest) -> None:
    in_sample(request, info.name, SHARE)
    failures = []
    for training in (True, False) if info.train_and_eval_differ else (True,):
        for i, one in sample(request, f"{info.name} {training}", inputs(info, training), KEEP):
            try:
                found = list(differences(info, one, training))
            except Exception as error:
                found = [f"{type(error).__name__}: {error}"]
            mode = "train" if training else "eval"
            failures += [f"{mode} {i} ({one.desc}): {text}" for text in found]
    assert not failures, f"{len(failures)} of them:\n" + "\n".join(failures[:20])


WITH_ERRORS = [info for info in MODULES if info.module_error_inputs_func is not None]


@pytest.mark.parametrize("info", WITH_ERRORS, ids=lambda info: info.name)
def test_wrong_arguments_raise_what_torch_raises(info: Any) -> None:
    torch.manual_seed(0)
    failures = []
    for wrong in info.module_error_inputs_func(
        info, device="cpu", dtype=torch.float32, requires_grad=False, training=True
    ):
        translate = Translation()
        made, given = wrong.module_error_input.constructor_input, wrong.module_error_input.forward_input
        try:
            module = getattr(fxtorch.nn, info.module_cls.__name__)(*translate(made.args), **translate(made.kwargs))
            if given is not None:
                module(*translate(given.args), **translate(given.kwargs))
        except wrong.error_type:
            continue
        except Exception as error:
            failures.append(f"{type(error).__name__} where torch raises {wrong.error_type.__name__}: {error}")
        else:
            failures.append(f"nothing where torch raises {wrong.error_type.__name__} ({wrong.error_regex})")
    assert not failures, "\n".join(failures)
