"""What needs values that a program does not have: an error with ``fullgraph``, else one warning and an eager call."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.compiler import NotCompilable

NEEDS = {
    "a boolean index": lambda x: x[x > 0].sum(),
    "nonzero": lambda x: x.nonzero().sum(),
    "masked_select": lambda x: torch.masked_select(x, x > 0),
    "unique": lambda x: torch.unique(x) + 1,
    "item": lambda x: x * x.sum().item(),
    "tolist": lambda x: x * len(x.tolist()),
    "float": lambda x: float(x.sum()) * x,
    "int": lambda x: torch.zeros(int(x.sum())),
    "an index of a list": lambda x: x * [1, 2, 3][x.sum().long()],
    "an if": lambda x: x if x.sum() > 0 else -x,
    "equal": lambda x: x if torch.equal(x, x) else -x,
    "allclose": lambda x: x if torch.allclose(x, x) else -x,
    "in": lambda x: x * (1.0 in x),
    "str": lambda x: x * len(str(x)),
    "format": lambda x: x * len(f"{x.sum():.2f}"),
    "numpy": lambda x: torch.tensor(x.numpy()) * 2,
    "a function of numpy's": lambda x: torch.tensor(np.asarray(x)) * 2,
    "sorted": lambda x: torch.stack(sorted(x)),
    "repeat_interleave": lambda x: x.repeat_interleave(torch.tensor([1, 2])),
    "bincount": lambda x: torch.bincount(x.long()),
    "histc": lambda x: torch.histc(x, 3) if x.sum().is_nonzero() else x,
}


@pytest.mark.parametrize("name", NEEDS)
def test_a_value_that_is_asked_for_ends_in_an_eager_call_with_one_warning(name: str) -> None:
    x = torch.tensor([1.0, 1.0])
    run = torch.jit(NEEDS[name])
    with pytest.warns(UserWarning, match=r"(?s)runs eagerly.*test_fallback\.py:\d+: ") as seen:
        got = [run(x), run(x)]
    assert len(seen) == 1
    for each in got:
        np.testing.assert_array_equal(each.numpy(), NEEDS[name](x).numpy())
    with pytest.raises(NotCompilable, match=r"test_fallback\.py:\d+: "):
        torch.jit(NEEDS[name], fullgraph=True)(x)


def test_an_optimizer_that_decides_by_values_runs_eagerly() -> None:
    def run(compile: Any) -> list[float]:
        torch.manual_seed(0)
        net = nn.Linear(2, 1)
        opt = torch.optim.LBFGS(net.parameters(), lr=0.1)

        def step(x: torch.Tensor) -> torch.Tensor:
            def closure() -> torch.Tensor:
                opt.zero_grad()
                loss = (net(x) - 1).square().mean()
                loss.backward()
                return loss

            return opt.step(closure)

        call = compile(step)
        return [call(torch.ones(3, 2)).item() for _ in range(3)]

    with pytest.warns(UserWarning, match=r"LBFGS\.step decides by the value"):
        compiled = run(torch.jit)
    assert compiled == run(lambda fn: fn)


def test_a_lazy_module_is_called_eagerly_once_and_then_compiled() -> None:
    net = nn.Sequential(nn.LazyLinear(3), nn.ReLU())
    run = torch.jit(lambda x: net(x), fullgraph=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that lazy modules are new
        first = run(torch.ones(1, 2))
    assert first.shape == (1, 3) and run.traces == 0
    np.testing.assert_allclose(run(torch.ones(1, 2)).detach().numpy(), first.detach().numpy(), rtol=1e-6)
    assert run.traces == 1


def test_a_loader_inside_is_read_at_each_call() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(8.0))
    loader = torch.utils.data.DataLoader(data, batch_size=2, shuffle=True)
    run = torch.jit(lambda x: x + sum(batch[0].sum() * i for i, batch in enumerate(loader)))
    with pytest.warns(UserWarning, match="runs eagerly"):
        assert len({run(torch.ones(1)).item() for _ in range(5)}) > 1


def test_a_gradient_with_a_graph_of_its_own_makes_the_call_eager() -> None:
    w = torch.ones(2, requires_grad=True)
    (w**3).sum().backward(create_graph=True)

    def step() -> torch.Tensor:
        w.grad.sum().backward()
        return w.grad.detach()

    with pytest.warns(UserWarning, match="w.grad is part of a graph that was recorded outside of it"):
        got = torch.jit(step)()
    assert got.tolist() == [9.0, 9.0]  # 3 w^2 and, added, its derivative 6 w


def test_a_gradient_that_comes_into_a_graph_later_is_seen() -> None:
    seen = []
    for compile in (lambda fn: fn, torch.jit):
        w = torch.ones(2, requires_grad=True)

        def step(x: torch.Tensor, w: Any = w) -> None:
            (w * (w.grad * x).sum()).sum().backward()

        run, found = compile(step), []
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for i in range(4):
                w.grad = torch.ones(2)
                if i >= 2:
                    w.grad.copy_(w)  # recorded: the gradient is part of a graph
                run(torch.ones(2))
                found.append((w.grad.tolist(), w.grad.requires_grad))
        assert len(told) == (compile is torch.jit)
        seen.append(found)
    assert seen[0] == seen[1]
