"""fold: the same steps as one by one, in one program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch import nn
from fxtorch.compiler import NotCompilable

X, Y = np.random.default_rng(0).standard_normal((6, 8, 3)).astype(np.float32), np.arange(48).reshape(6, 8) % 2
Batches = tuple[torch.Tensor, torch.Tensor]


def batches() -> Batches:
    return torch.tensor(X), torch.tensor(Y)


class Trained:
    """A small model with everything that carries state, and its step."""

    def __init__(self, *, accumulate: bool = False, scheduled: bool = False) -> None:
        torch.manual_seed(1)
        self.model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.Dropout(0.3), nn.Linear(4, 2))
        self.opt = torch.optim.Adam(self.model.parameters(), lr=0.05)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.opt, 2, gamma=0.5) if scheduled else None
        self.accumulate = accumulate

    def step(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, Any]:
        if not self.accumulate:
            self.opt.zero_grad()
        out = self.model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        self.opt.step()
        if self.schedule is not None:
            self.schedule.step()
        return {"loss": loss, "out": out.detach()}

    def state(self) -> dict[str, Any]:
        grads = {f"grad of {k}": p.grad for k, p in self.model.named_parameters()}
        moments = {f"{i} {k}": v for i, s in enumerate(self.opt.state.values()) for k, v in s.items()}
        return {**self.model.state_dict(), **grads, **moments, "key": torch.get_rng_state()}


def assert_folds(make: Callable[[], Trained], calls: int = 1) -> tuple[Trained, Any]:
    """Steps run one by one and folded must agree in results and state."""
    single = make()
    wanted: list[Any] = []
    for _ in range(calls):
        wanted += [single.step(x, y) for x, y in zip(*batches(), strict=True)]
    expected = {k: v.numpy() for k, v in single.state().items()}
    folded = make()
    run = torch.fold(folded.step)
    for call in range(calls):
        got = run(*batches())
        for name in ("loss", "out"):
            rows = [w[name].detach().numpy() for w in wanted[6 * call : 6 * call + 6]]
            np.testing.assert_allclose(got[name].detach().numpy(), rows, rtol=1e-5, atol=1e-6)
    for name, value in folded.state().items():
        np.testing.assert_allclose(value.numpy(), expected[name], rtol=1e-4, atol=1e-6, err_msg=name)
    return folded, run


def test_parameters_gradients_moments_statistics_and_draws_are_those_of_single_steps() -> None:
    trained, run = assert_folds(Trained, calls=2)
    assert trained.model[1].num_batches_tracked.item() == 12
    assert sum(map(len, run.programs.values())) == 1


def test_gradients_that_accumulate_from_none_are_carried() -> None:
    assert_folds(lambda: Trained(accumulate=True))


def test_a_schedule_inside_the_step_sets_the_rate_of_each_step() -> None:
    trained, _ = assert_folds(lambda: Trained(scheduled=True))
    assert trained.opt.param_groups[0]["lr"] == 0.05 / 8


def regression() -> tuple[nn.Linear, Any, Callable[..., torch.Tensor]]:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    opt = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(x: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        opt.step()
        return loss

    return model, opt, step


def test_a_new_learning_rate_does_not_compile_again() -> None:
    model, opt, step = regression()
    run = torch.fold(step)
    run(torch.tensor(X))
    opt.param_groups[0]["lr"] = 0.0
    before = model.weight.tolist()
    run(torch.tensor(X))
    assert model.weight.tolist() == before
    assert sum(map(len, run.programs.values())) == 1


def test_a_list_of_batches_may_end_with_a_smaller_one() -> None:
    single, folded = regression(), regression()
    rows = [torch.tensor(X[0]), torch.tensor(X[1]), torch.tensor(X[2][:3])]
    wanted = [single[2](x).item() for x in rows]
    np.testing.assert_allclose(torch.fold(folded[2])([(x,) for x in rows]).tolist(), wanted, rtol=1e-5)
    np.testing.assert_allclose(folded[0].weight.tolist(), single[0].weight.tolist(), rtol=1e-5)


def test_a_data_set_on_the_device_is_indexed_inside() -> None:
    single, folded = regression(), regression()
    data, order = torch.tensor(X.reshape(-1, 3)), torch.tensor(np.random.default_rng(1).permutation(48).reshape(6, 8))
    wanted = [single[2](data[i]).item() for i in order]
    np.testing.assert_allclose(torch.fold(lambda i: folded[2](data[i]))(order).tolist(), wanted, rtol=1e-5)


def test_length_counts_the_steps_of_a_function_without_arguments() -> None:
    count = torch.zeros(())

    @torch.fold(length=7)
    def step() -> torch.Tensor:
        count.add_(1)
        return count.clone()

    assert step().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert count.item() == 7


def test_an_attribute_that_each_step_replaces_is_carried() -> None:
    class Running(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last: torch.Tensor | None = None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.last = x if self.last is None else self.last + x
            return self.last

    net = Running()
    assert torch.fold(lambda x: net(x))(torch.arange(5.0)).tolist() == [0, 1, 3, 6, 10]
    assert net.last is not None and net.last.item() == 10


def test_inside_of_a_compiled_function_it_is_the_loop() -> None:
    single, folded = regression(), regression()
    run = torch.fold(folded[2])
    wanted = sum(single[2](x).item() for x in torch.tensor(X[:3]))
    assert torch.jit(lambda x: run(x).sum())(torch.tensor(X[:3])).item() == pytest.approx(wanted, rel=1e-5)


def test_a_failing_trace_leaves_the_state_as_it_was() -> None:
    model, opt, step = regression()
    before = model.weight.tolist()

    def broken(x: torch.Tensor) -> None:
        step(x)
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        torch.fold(broken)(torch.tensor(X))
    assert model.weight.tolist() == before and model.weight.grad is None and not opt.state


def test_python_state_that_every_step_changes_is_named() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return x * self.calls

    net = Counting()
    with pytest.raises(NotCompilable, match=r"calls.*Keep what changes in Tensors"):
        torch.fold(lambda x: net(x))(torch.ones(6))


@pytest.mark.parametrize(
    ("step", "args", "error", "words"),
    [
        (lambda x: x, (torch.ones(()),), ValueError, "needs a first dimension"),
        (lambda x, y: x, (torch.ones(2), torch.ones(3)), ValueError, r"the first dimensions differ.*\[2, 3\]"),
        (lambda: None, (), ValueError, "needs length="),
        (lambda x: x, (torch.ones(0),), ValueError, "at least one batch"),
        (lambda x: x, (torch.ones(2, requires_grad=True),), RuntimeError, "does not carry gradients"),
        (lambda x: x.add_(1), (torch.ones(2),), NotCompilable, "changes an argument in place"),
        (lambda x: x if x > 0 else -x, (torch.ones(2),), NotCompilable, "needs the value of a Tensor"),
    ],
)
def test_what_cannot_be_folded_is_said(step: Any, args: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        torch.fold(step)(*args)
