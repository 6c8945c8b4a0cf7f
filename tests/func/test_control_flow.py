"""cond, while_loop, scan and map do compiled, and under JAX's transformations, what they do eagerly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
from fxtorch import nn


def both(fn: Callable[..., Any], *args: torch.Tensor) -> tuple[Any, Any]:
    return fn(*args), torch.jit(fn, fullgraph=True)(*args)


def assert_same(a: torch.Tensor, b: torch.Tensor) -> None:
    np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=1.3e-6, atol=1e-5)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_cond_takes_the_branch_of_its_predicate(sign: float) -> None:
    x = torch.full((3,), sign)
    eager, compiled = both(lambda x: torch.cond(x.sum() > 0, lambda t: t * 2, lambda t: t - 1, (x,)), x)
    assert_same(eager, compiled)
    assert compiled.tolist() == ([2.0] * 3 if sign > 0 else [-2.0] * 3)


def test_cond_over_a_module_gives_gradients_of_its_parameters() -> None:
    net, grads = nn.Linear(3, 3), []

    def loss(x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, net, lambda t: t * net.weight.sum(), (x,)).sum()

    for call in (loss, torch.jit(loss, fullgraph=True)):
        for x in (torch.ones(2, 3), -torch.ones(2, 3)):
            net.zero_grad()
            call(x).backward()
            assert net.weight.grad is not None
            grads.append(net.weight.grad.numpy().copy())
    np.testing.assert_allclose(grads[2:], grads[:2], rtol=1.3e-6)
    assert np.abs(grads[0] - grads[1]).max() > 0.1


def test_branches_that_differ_in_shape_are_an_error_that_shows_both() -> None:
    with pytest.raises(RuntimeError, match=r"true_fn returned .*float32\[3\].*false_fn .*float32\[1\]"):
        torch.jit(lambda x: torch.cond(x.sum() > 0, lambda t: t, lambda t: t[:1], (x,)))(torch.ones(3))


def test_a_while_loop_runs_until_its_test_fails() -> None:
    def halvings(x: torch.Tensor) -> Any:
        return torch.while_loop(lambda n, y: y > 1, lambda n, y: (n + 1, y / 2), (torch.tensor(0), x))[0]

    eager, compiled = both(halvings, torch.tensor(20.0))
    assert eager.item() == compiled.item() == 5


def test_a_compiled_while_loop_refuses_a_backward_and_says_what_to_use() -> None:
    w = torch.tensor(2.0, requires_grad=True)

    def power(x: torch.Tensor) -> Any:
        return torch.while_loop(lambda y: y < 5, lambda y: (y * w,), (x,))[0]

    power(torch.tensor(1.0)).backward()
    assert w.grad is not None and w.grad.item() == 12.0
    out = torch.jit(power)(torch.tensor(1.0))
    assert out.item() == 8.0
    with pytest.raises(RuntimeError, match="use scan"):
        out.backward()


def test_a_scan_carries_batch_statistics_and_random_draws() -> None:
    seen = []
    x = torch.linspace(-1.0, 1.0, 24).reshape(3, 4, 2)
    for compiled in (False, True):
        torch.manual_seed(0)
        net: Any = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))

        def run(x: torch.Tensor, net: Any = net) -> Any:
            return torch.scan(lambda h, row: (net(h) + row, h * 2), torch.zeros(4, 2), x)

        torch.manual_seed(1)
        last, rows = (torch.jit(run, fullgraph=True) if compiled else run)(x)
        (last.sum() + rows.sum()).backward()
        found = (last, rows, net[0].weight.grad, net[1].running_mean, net[1].num_batches_tracked, torch.rand(2))
        seen.append([t.detach().numpy() for t in found])
    for eager, got in zip(*seen, strict=True):
        np.testing.assert_allclose(got, eager, rtol=1.3e-6, atol=1e-5)
    assert seen[1][4] == 3


def test_a_scan_goes_along_any_dimension_and_backwards() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    eager, compiled = both(lambda x: torch.scan(lambda c, r: (c + r, c), torch.zeros(2), x, dim=1, reverse=True), x)
    assert compiled[1].tolist() == eager[1].tolist() == [[3.0, 2.0, 0.0], [9.0, 5.0, 0.0]]


def test_a_state_that_changes_its_type_is_an_error_eagerly_and_compiled() -> None:
    def run(x: torch.Tensor) -> Any:
        return torch.scan(lambda c, r: (c.double(), r), torch.zeros(()), x)

    for call in (run, torch.jit(run, fullgraph=True)):
        with pytest.raises(RuntimeError, match=r"float32.*but returned.*float64"):
            call(torch.ones(3))


def test_map_takes_and_returns_nested_tensors() -> None:
    x = {"a": torch.arange(4.0), "b": torch.ones(4, 2)}
    eager, compiled = both(lambda x: torch.map(lambda row, k: {"c": row["a"] * row["b"] + k}, x, torch.ones(2)), x)  # type: ignore[arg-type]
    assert_same(eager["c"], compiled["c"])


def test_control_flow_is_differentiated_and_batched_by_func() -> None:
    def f(x: torch.Tensor) -> torch.Tensor:
        return torch.scan(lambda c, r: (c * r, c), torch.tensor(1.0), x)[0]

    x = torch.tensor([2.0, 3.0, 4.0])
    assert torch.func.grad(f)(x).tolist() == [12.0, 8.0, 6.0]
    rows = torch.func.vmap(lambda r: torch.cond(r.sum() > 0, lambda t: t, lambda t: -t, (r,)))(
        torch.tensor([[1.0], [-2.0]])
    )
    assert rows.tolist() == [[1.0], [2.0]]


def test_repeated_blocks_in_one_loop_train_as_in_pythons() -> None:
    ends = []
    for compiled in (False, True):
        torch.manual_seed(0)
        blocks: Any = nn.ModuleList(
            nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.25)) for _ in range(4)
        )
        opt = torch.optim.SGD(blocks.parameters(), lr=0.1)

        def step(x: torch.Tensor, blocks: Any = blocks, opt: Any = opt) -> None:
            opt.zero_grad()
            torch.func.scan_modules(blocks, x).square().mean().backward()
            opt.step()

        run = torch.jit(step, fullgraph=True, max_traces=1) if compiled else step
        for _ in range(3):
            run(torch.linspace(-1.0, 1.0, 12).reshape(4, 3))
        ends.append({k: v.detach().numpy() for k, v in blocks.state_dict().items()})
    for key, value in ends[0].items():
        np.testing.assert_allclose(ends[1][key], value, rtol=1e-5, atol=1e-5, err_msg=key)


def test_a_flag_of_one_block_in_a_loop_is_seen() -> None:
    blocks = nn.ModuleList(nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)) for _ in range(4))
    run = torch.jit(lambda x: torch.func.scan_modules(blocks, x))
    run(torch.ones(2, 3))
    for block in list(blocks)[1:]:
        block.eval()
    run(torch.ones(2, 3))
    assert run.traces == 2


def test_a_state_that_changes_its_shape_is_told_in_the_same_words_eagerly_and_compiled() -> None:
    def grow(x: torch.Tensor) -> Any:
        return torch.scan(lambda c, r: (c + r.unsqueeze(0), r), torch.zeros(3), x)

    for fn in (grow, torch.jit(grow)):
        with pytest.raises(RuntimeError, match=r"given .* of torch\.float32\[3\], but returned .* of torch\.float32\["):
            fn(torch.ones(2, 3))


ORDERED: dict[str, Callable[[torch.Tensor], Any]] = {
    "map": lambda x: torch.map(lambda row: {"b": row, "a": row * 2}, x),
    "scan": lambda x: torch.scan(lambda c, r: ({"b": c["b"] + r, "a": c["a"]}, r), {"b": x[0], "a": x[1]}, x)[0],
    "cond": lambda x: torch.cond(x.sum() > 0, lambda t: {"b": t, "a": t}, lambda t: {"b": t, "a": t * 2}, (x,)),
    "while_loop": lambda x: torch.while_loop(
        lambda d: d["a"].sum() < 9, lambda d: ({"b": d["b"], "a": d["a"] + 1},), ({"b": x, "a": x},)
    )[0],
}


@pytest.mark.parametrize("run", ORDERED.values(), ids=list(ORDERED))
def test_dicts_keep_the_order_of_their_keys(run: Callable[[torch.Tensor], Any]) -> None:
    for found in both(run, torch.ones(3, 2)):
        assert list(found) == ["b", "a"]


def test_slices_of_a_dict_come_in_its_order() -> None:
    def rows(x: torch.Tensor) -> torch.Tensor:
        return torch.map(lambda row: torch.stack(list(row.values())), {"b": x, "a": x * 2})  # type: ignore[arg-type]

    for found in both(rows, torch.ones(3)):
        assert found[0].tolist() == [1, 2]


def test_a_number_that_becomes_a_tensor_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"given .* of float, but returned .* of torch\.float32\[\]"):
        torch.scan(lambda c, r: (c + r.sum(), r), 0.0, torch.ones(3, 2))


def test_a_test_of_several_elements_is_ambiguous_eagerly_and_compiled() -> None:
    for call in (lambda fn: fn, torch.jit):
        with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
            call(lambda x: torch.while_loop(lambda y: y < 3, lambda y: (y + 1,), (x,)))(torch.ones(2))


def test_a_backward_in_a_compiled_loop_says_what_to_use() -> None:
    net = nn.Linear(2, 2)

    @torch.jit
    def train(x: torch.Tensor) -> Any:
        def step(_: Any, row: torch.Tensor) -> Any:
            net(row).sum().backward()
            return (), row

        return torch.scan(step, (), x)

    with pytest.raises(RuntimeError, match=r"use torch\.func\.grad there, and torch\.fold for a loop of"):
        train(torch.ones(3, 2))
    assert net.weight.grad is None
