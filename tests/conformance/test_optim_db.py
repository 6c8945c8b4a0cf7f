"""Every optimizer of PyTorch's optimizer database, with every configuration that it lists.

Ten steps along the same gradients must give the same parameters and state to 1e-5 relative, the state_dict must have
torch's layout, and an optimizer that loads torch's state_dict half-way must go on as torch's does.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import fxtorch
from tests.conformance.translation import Translation, in_sample, tensor, torch

common_optimizers = pytest.importorskip("torch.testing._internal.common_optimizers", reason="torch's own databases")

OPTIMIZERS = list(common_optimizers.optim_db)
STEPS = 10
RTOL, ATOL = 1e-5, 1e-7
SHARE = 8  # a run that is not whole takes one in how many configurations
IMPLEMENTATIONS = ("foreach", "fused", "capturable")

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, on implementations it would rather use


def configurations() -> list[Any]:
    found = []
    for info in OPTIMIZERS:
        name = info.optim_cls.__name__
        configured = [(one.desc, one.kwargs) for one in info.optim_inputs_func(device="cpu")]
        flags = [
            f for f in IMPLEMENTATIONS if f in info.supported_impls or (f == "capturable" and info.has_capturable_arg)
        ]
        configured += [(flag, {flag: True}) for flag in flags]
        found += [pytest.param(info, kwargs, id=f"{name}-{desc}") for desc, kwargs in configured]
    return found


class Problem:
    """Parameters in both libraries, and the gradients of each step."""

    def __init__(self, info: Any, dtype: Any) -> None:
        self.info, self.dtype = info, dtype
        self.random = np.random.default_rng(0)
        name = info.optim_cls.__name__
        shapes: list[tuple[int, ...]] = [(4, 3), (2, 5)] if name == "Muon" else [(4, 3), (5,), (2, 3, 2), ()]
        shapes = shapes[:1] if info.only_supports_sparse_grads else shapes
        start = [self.draw(shape) for shape in shapes]
        self.theirs = [torch.nn.Parameter(torch.tensor(a)) for a in start]
        self.ours = [fxtorch.nn.Parameter(fxtorch.tensor(a)) for a in start]

    def draw(self, shape: tuple[int, ...]) -> Any:
        x = self.random.normal(size=shape)
        x = x + 1j * self.random.normal(size=shape) if self.dtype.startswith("complex") else x
        return np.asarray(x, self.dtype)

    def made(self, library: Any, kwargs: dict[str, Any]) -> Any:
        params = self.theirs if library is torch else self.ours
        if library is torch:  # it takes capturable on accelerators only, where it changes nothing
            kwargs = copy.deepcopy({k: v for k, v in kwargs.items() if k != "capturable"})
        else:
            kwargs = Translation()(kwargs)
        cls = getattr(library.optim, self.info.optim_cls.__name__)
        return cls(params, **({"lr": 1e-3} if self.info.optim_cls.__name__ == "SGD" else {}) | kwargs)

    def step(self, theirs: Any, ours: Any) -> None:
        if self.info.step_requires_closure:
            for params, opt in ((self.theirs, theirs), (self.ours, ours)):
                opt.step(lambda params=params: quadratic(params))
            return
        for a, b in zip(self.theirs, self.ours, strict=True):
            g = self.draw(tuple(a.shape))
            a.grad, b.grad = torch.tensor(g), fxtorch.tensor(g)
            if self.info.only_supports_sparse_grads:
                g[self.random.integers(0, 4)] = 0
                a.grad, b.grad = torch.tensor(g).to_sparse(1), fxtorch.tensor(g).to_sparse(1)
        theirs.step()
        ours.step()

    def check(self) -> None:
        for i, (a, b) in enumerate(zip(self.theirs, self.ours, strict=True)):
            close(b, a, f"parameter {i}")


def quadratic(params: list[Any]) -> Any:
    loss: Any = 0
    for i, p in enumerate(params):
        p.grad = None
        loss = loss + ((p - 0.1 * i) * (p - 0.1 * i).conj()).sum().real * (i + 1)
    loss.backward()
    return loss


def close(ours: Any, theirs: Any, what: str) -> None:
    if isinstance(theirs, list):
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            close(a, b, f"{what}[{i}]")
    elif isinstance(ours, fxtorch.Tensor):
        assert str(ours.dtype) == str(theirs.dtype) and tuple(ours.shape) == tuple(theirs.shape), what
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), RTOL, ATOL, err_msg=what)
    elif theirs is None:
        assert ours is None, what
    else:  # LBFGS keeps numbers, which with a Tensor as lr are Tensors in torch
        np.testing.assert_allclose(ours, float(theirs), RTOL, ATOL, err_msg=what)


def same_state(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    translated = Translation()(copy.deepcopy(theirs["param_groups"]))
    assert [sorted(g) for g in ours["param_groups"]] == [sorted(g) for g in translated]
    for a, b in zip(ours["param_groups"], translated, strict=True):
        for key, value in b.items():
            if key == "capturable":
                continue
            equal = (a[key] == value).all() if isinstance(value, fxtorch.Tensor) else a[key] == value
            assert equal, f"{key}: {a[key]} where torch has {value}"
    assert sorted(ours["state"]) == sorted(theirs["state"])
    for index, state in theirs["state"].items():
        state = {key: value for key, value in state.items() if key != "al"}  # LBFGS's scratch list
        assert set(ours["state"][index]) == set(state), f"state of parameter {index}"
        for key, value in state.items():
            close(ours["state"][index][key], value, f"{key} of parameter {index}")


@pytest.mark.parametrize(("info", "kwargs"), configurations())
def test_ten_steps_are_torchs(info: Any, kwargs: dict[str, Any], request: pytest.FixtureRequest) -> None:
    in_sample(request, request.node.name, SHARE)
    # LBFGS takes 200 steps in ten, along which float32 drifts apart
    dtype = "float64" if info.step_requires_closure else "float32"
    problem = Problem(info, dtype)
    theirs, ours = problem.made(torch, kwargs), problem.made(fxtorch, kwargs)
    for step in range(STEPS):
        problem.step(theirs, ours)
        if step == 4:
            saved = translated_state(theirs.state_dict())
    problem.check()
    same_state(ours.state_dict(), theirs.state_dict())
    # from the middle on, in a new optimizer that begins from torch's state
    problem = Problem(info, dtype)
    theirs = problem.made(torch, kwargs)
    for _ in range(5):
        problem.step(theirs, problem.made(fxtorch, kwargs) if info.step_requires_closure else Nothing())
    for a, b in zip(problem.theirs, problem.ours, strict=True):
        b.data = tensor(a)
    ours = problem.made(fxtorch, kwargs)
    ours.load_state_dict(saved)
    for _ in range(5):
        problem.step(theirs, ours)
    problem.check()


class Nothing:
    def step(self) -> None:
        pass


def translated_state(saved: dict[str, Any]) -> dict[str, Any]:
    return Translation()({"state": copy.deepcopy(saved["state"]), "param_groups": saved["param_groups"]})


COMPLEX = [info for info in OPTIMIZERS if info.supports_complex]


@pytest.mark.parametrize("info", COMPLEX, ids=lambda info: info.optim_cls.__name__)
def test_complex_parameters_move_as_torchs(info: Any, request: pytest.FixtureRequest) -> None:
    in_sample(request, info.optim_cls.__name__, SHARE)
    problem = Problem(info, "complex64")
    theirs, ours = problem.made(torch, {}), problem.made(fxtorch, {})
    for _ in range(STEPS):
        problem.step(theirs, ours)
    problem.check()


@pytest.mark.parametrize("info", OPTIMIZERS, ids=lambda info: info.optim_cls.__name__)
def test_wrong_arguments_raise_what_torch_raises(info: Any) -> None:
    failures = []
    for wrong in info.optim_error_inputs_func(device="cpu", dtype=torch.float32):
        one = wrong.optimizer_error_input
        translate = Translation()
        params = [fxtorch.nn.Parameter(fxtorch.ones(2, 2))] if one.params is None else None
        try:
            params = translate(one.params) if params is None else params
            opt = getattr(fxtorch.optim, info.optim_cls.__name__)(params, **translate(one.kwargs))
            if wrong.error_on is common_optimizers.OptimizerErrorEnum.STEP_ERROR:
                opt.step()
        except wrong.error_type:
            continue
        except Exception as error:
            failures.append(f"{one.desc}: {type(error).__name__} where torch has {wrong.error_type.__name__}: {error}")
        else:
            if not issubclass(wrong.error_type, Warning):  # they are silenced here
                failures.append(f"{one.desc}: nothing where torch raises {wrong.error_type.__name__}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("name", ["SGD", "Adagrad"])
def test_sparse_gradients_move_what_they_name(name: str) -> None:
    start = np.arange(8, dtype=np.float32).reshape(4, 2)
    found = []
    for library in (torch, fxtorch):
        p = library.tensor(start, requires_grad=True)
        opt = getattr(library.optim, name)([p], lr=0.1)
        for row in (1, 3, 1):
            p.grad = library.sparse_coo_tensor(library.tensor([[row, row]]), library.ones(2, 2), (4, 2))
            opt.step()
        found.append(p.detach().numpy())
    np.testing.assert_allclose(found[1], found[0], RTOL, ATOL)
