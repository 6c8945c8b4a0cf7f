"""What a compiled function does beyond a plain training step: guards, results, fallbacks, composition."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn
from fxtorch.compiler import DataDependent, explain


def test_a_python_argument_is_part_of_the_program() -> None:
    scaled = torch.jit(lambda x, k: x * k)
    assert scaled(torch.ones(2), 3).tolist() == [3.0, 3.0]
    assert scaled(torch.ones(2), 4).tolist() == [4.0, 4.0]
    assert scaled(torch.ones(2), 3).tolist() == [3.0, 3.0]
    assert scaled.traces == 2
    assert "3 became 4" in scaled.reasons[1]


def test_nested_arguments_and_results_keep_their_structure() -> None:
    @torch.jit
    def swap(pair: dict[str, Any], *, flag: bool) -> Any:
        return {"x": (pair["b"], pair["a"][0] + 1), "flag": flag, "none": None}

    out = swap({"a": [torch.ones(2)], "b": torch.zeros(3)}, flag=True)
    assert out["flag"] is True and out["none"] is None
    assert out["x"][0].shape == (3,) and out["x"][1].tolist() == [2.0, 2.0]


def test_a_replaced_layer_is_seen() -> None:
    net = nn.Sequential(nn.Linear(2, 2, bias=False))
    run = torch.jit(lambda x: net(x))
    run(torch.ones(1, 2))
    net[0] = nn.Linear(2, 3, bias=False)
    assert run(torch.ones(1, 2)).shape == (1, 3)


def test_a_hook_added_later_is_seen() -> None:
    net = nn.Linear(2, 2)
    run = torch.jit(lambda x: net(x))
    before = run(torch.ones(1, 2))
    net.register_forward_hook(lambda module, args, out: out + 1)
    np.testing.assert_allclose(run(torch.ones(1, 2)).detach().numpy(), before.detach().numpy() + 1, rtol=1e-6)


def test_a_closed_over_number_is_seen() -> None:
    factor = 2.0

    def scaled(x: torch.Tensor) -> torch.Tensor:
        return x * factor

    run = torch.jit(scaled)
    assert run(torch.ones(1)).item() == 2.0
    factor = 5.0
    assert run(torch.ones(1)).item() == 5.0


def test_freezing_a_parameter_later_is_seen() -> None:
    w = torch.ones(2, requires_grad=True)
    run = torch.jit(lambda x: (x * w).sum())
    assert run(torch.ones(2)).requires_grad
    w.requires_grad_(False)
    assert not run(torch.ones(2)).requires_grad


def test_an_attribute_assigned_in_the_step_is_carried() -> None:
    class Running(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last: torch.Tensor | None = None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = x if self.last is None else x + self.last
            self.last = out
            return out

    eager, compiled = Running(), Running()
    run = torch.jit(lambda x: compiled(x))
    for i in range(4):
        assert run(torch.full((2,), float(i))).tolist() == eager(torch.full((2,), float(i))).tolist()
    assert compiled.last is not None and eager.last is not None
    assert compiled.last.tolist() == eager.last.tolist()
    assert run.traces == 2


def test_a_counter_in_a_module_counts_as_eagerly() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return x * self.calls

    net = Counting()
    run = torch.jit(lambda x: net(x))
    assert [run(torch.ones(1)).item() for _ in range(3)] == [1.0, 2.0, 3.0]
    assert net.calls == 3


def test_a_written_argument_is_written_for_the_caller() -> None:
    @torch.jit
    def double_(x: torch.Tensor) -> torch.Tensor:
        return x.mul_(2)

    x = torch.ones(3)
    assert double_(x) is x
    assert x.tolist() == [2.0, 2.0, 2.0]
    base = torch.zeros(2, 3)
    base[1].add_(1)
    double_(base[1])
    assert base.tolist() == [[0.0] * 3, [2.0] * 3]


def test_a_returned_parameter_is_that_parameter() -> None:
    w = torch.ones(2, requires_grad=True)
    assert torch.jit(lambda: w)() is w


def test_an_optimizer_written_in_torchs_manner_keeps_its_state() -> None:
    class HeavyBall(torch.optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    if not self.state[p]:
                        self.state[p]["buffer"] = torch.zeros_like(p)
                    self.state[p]["buffer"].mul_(0.9).add_(p.grad)
                    p.add_(self.state[p]["buffer"], alpha=-group["lr"])

    ends = []
    for compiled in (False, True):
        w = torch.tensor([1.0, -2.0], requires_grad=True)
        opt = HeavyBall([w], 0.1)

        def step(w: torch.Tensor = w, opt: HeavyBall = opt) -> None:
            opt.zero_grad()
            (w * w).sum().backward()
            opt.step()

        run = torch.jit(step) if compiled else step
        for i in range(5):
            run()
            opt.param_groups[0]["lr"] = 0.1 / (i + 1)
        ends.append((w.tolist(), opt.state[w]["buffer"].tolist()))
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-6)


def test_a_value_that_is_needed_falls_back_with_one_warning() -> None:
    @torch.jit
    def positive(x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x

    with pytest.warns(UserWarning, match="runs eagerly") as seen:
        assert positive(torch.tensor([-1.0])).item() == 1.0
    assert len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert positive(torch.tensor([-3.0])).item() == 3.0


@pytest.mark.parametrize("ask", [lambda x: x.item(), lambda x: x.tolist(), lambda x: x.numpy(), bool, float, repr])
def test_fullgraph_names_the_line_that_needs_a_value(ask: Any) -> None:
    def needy(x: torch.Tensor) -> torch.Tensor:
        ask(x.sum())
        return x

    with pytest.raises(DataDependent, match=r"test_function\.py:\d+.*\n.*torch\.where"):
        torch.jit(needy, fullgraph=True)(torch.ones(2))


def test_max_traces_is_an_error_that_says_what_changed() -> None:
    run = torch.jit(lambda x: x + 1, max_traces=1)
    run(torch.ones(2))
    with pytest.raises(RuntimeError, match=r"max_traces=1.*float32\[2\] became float32\[3\]"):
        run(torch.ones(3))


def test_explain_names_what_is_read_and_changed() -> None:
    net = nn.Linear(2, 1)
    opt = torch.optim.SGD(net.parameters(), lr=0.1)

    @torch.jit
    def step(x: torch.Tensor) -> None:
        opt.zero_grad()
        net(x).sum().backward()
        opt.step()

    step(torch.ones(3, 2))
    text = explain(step)
    assert "reads net.weight" in text and "changes net.bias" in text and "number lr" in text
    assert "Linear.training" not in text, "a Linear does not depend on its training flag"


def test_jit_inside_jit_is_one_program() -> None:
    w = torch.ones(2, requires_grad=True)
    inner = torch.jit(lambda x: x * w)

    @torch.jit
    def outer(x: torch.Tensor) -> torch.Tensor:
        loss = inner(x).sum()
        loss.backward()
        return loss

    assert outer(torch.tensor([1.0, 2.0])).item() == 3.0
    assert w.grad is not None and w.grad.tolist() == [1.0, 2.0]


def test_autograd_grad_and_a_penalty_on_it_compile() -> None:
    w = torch.tensor([2.0, 3.0], requires_grad=True)

    def penalty(x: torch.Tensor) -> torch.Tensor:
        (g,) = torch.autograd.grad((w**3 * x).sum(), w, create_graph=True)
        (g**2).sum().backward()
        return g.detach()

    x = torch.tensor([1.0, 2.0])
    penalty(x)
    assert w.grad is not None
    wanted, w.grad = w.grad.tolist(), None
    torch.jit(penalty)(x)
    np.testing.assert_allclose(cast(torch.Tensor, w.grad).tolist(), wanted, rtol=1e-6)


def test_a_compiled_function_is_vmapped_by_jax() -> None:
    square = torch.jit(lambda x: x * x)
    out = jax.vmap(lambda a: square(torch.tensor(a))._data)(jnp.arange(3.0))
    np.testing.assert_allclose(out, [0.0, 1.0, 4.0])


def test_a_compiled_module_gives_the_gradients_of_the_eager_one() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    fast = torch.compile(net)
    x = torch.randn(5, 3, requires_grad=True)
    net(x).pow(2).sum().backward()
    wanted = [p.grad.numpy().copy() for p in (*net.parameters(), x) if p.grad is not None]
    for p in (*net.parameters(), x):
        p.grad = None
    fast(x).pow(2).sum().backward()
    got = [p.grad.numpy() for p in (*net.parameters(), x) if p.grad is not None]
    assert len(got) == len(wanted) == 5
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1.3e-6, atol=1e-5)


def test_a_detached_branch_gets_no_gradient_from_a_compiled_call() -> None:
    w = torch.tensor(3.0, requires_grad=True)
    run = torch.jit(lambda x: x * w + (x * w).detach())
    run(torch.tensor(2.0)).backward()
    assert w.grad is not None and w.grad.item() == 2.0


def test_a_view_of_a_parameter_follows_a_compiled_step() -> None:
    w = torch.zeros(2, 2, requires_grad=True)
    row = w.detach()[0]

    @torch.jit
    def step() -> None:
        with torch.no_grad():
            w[0].add_(1)

    step()
    step()
    assert row.tolist() == [2.0, 2.0]
    assert w.tolist() == [[2.0, 2.0], [0.0, 0.0]]


def test_the_names_of_torch_jit_are_there() -> None:
    net = nn.Linear(2, 2)
    assert torch.jit.script(net).weight is net.weight
    assert not torch.jit.is_scripting()
    assert torch.jit.ignore(len) is len
    assert torch.jit.trace(net, torch.ones(1, 2))(torch.ones(1, 2)).shape == (1, 2)


def test_compile_with_disable_returns_the_function() -> None:
    assert torch.compile(len, disable=True) is len


def test_state_that_changes_at_each_call_ends_in_eager_calls_with_one_warning() -> None:
    class Counting(nn.Module):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return x * self.calls

    net = Counting()
    net.calls = 0
    run = torch.jit(lambda x: net(x))
    with pytest.warns(UserWarning, match=r"net\.calls: 15 became 16") as seen:
        values = [run(torch.ones(1)).item() for _ in range(20)]
    assert values == [float(i) for i in range(1, 21)] and len(seen) == 1


def test_a_schedule_inside_the_step_acts_at_each_call() -> None:
    rates = []
    for compiled in (False, True):
        w = torch.ones(1, requires_grad=True)
        opt = torch.optim.SGD([w], lr=1.0)
        schedule = torch.optim.lr_scheduler.StepLR(opt, 2, gamma=0.1)

        def step(w: torch.Tensor = w, opt: Any = opt, schedule: Any = schedule) -> None:
            opt.zero_grad()
            w.sum().backward()
            opt.step()
            schedule.step()

        run = torch.jit(step) if compiled else step
        trail = []
        for _ in range(5):
            run()
            trail.append((opt.param_groups[0]["lr"], w.item()))
        rates.append(trail)
        assert schedule.last_epoch == 5
    np.testing.assert_allclose(rates[1], rates[0], rtol=1e-6)


def test_threads_share_a_compiled_function() -> None:
    count = torch.zeros(())

    @torch.jit
    def bump(x: torch.Tensor) -> torch.Tensor:
        count.add_(1)
        return x * 2

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda i: bump(torch.full((2,), float(i))).tolist(), range(40)))
    assert results == [[2.0 * i] * 2 for i in range(40)]
    assert count.item() == 40
