"""A compiled step finds, threads and restores every piece of state that the same step has eagerly."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch import nn
from tests.compiler.scenarios import Compile, assert_agrees

X = np.random.RandomState(0).randn(6, 8, 3).astype(np.float32)
Y = np.random.RandomState(1).randint(0, 2, (6, 8))


def model(*between: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), *between, nn.Linear(4, 2))


def make_step(net: nn.Module, opt: Any) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        return loss

    return step


def batch(i: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(X[i]), torch.tensor(Y[i])


def losses(step: Callable[..., torch.Tensor], count: int = 6) -> list[float]:
    return [step(*batch(i)).item() for i in range(count)]


def assert_same_state(a: nn.Module, b: nn.Module) -> None:
    for (name, left), (_, right) in zip(a.state_dict().items(), b.state_dict().items(), strict=True):
        np.testing.assert_allclose(left.numpy(), right.numpy(), rtol=1.3e-6, atol=1e-5, err_msg=name)


def assert_trains_alike(make: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Train twice from the same start, eagerly and compiled; both must end alike.  Returns the compiled pair."""
    eager, eager_opt = make()
    wanted = losses(make_step(eager, eager_opt))
    compiled, opt = make()
    got = losses(torch.jit(make_step(compiled, opt)))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)
    assert got[0] != got[-1]
    assert_same_state(compiled, eager)
    return compiled, opt


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "Nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "dampening": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01, amsgrad=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_keeps_its_state_between_compiled_calls(name: str) -> None:
    def make() -> tuple[Any, Any]:
        net = model(nn.Tanh())
        return net, OPTIMIZERS[name](net.parameters())

    assert_trains_alike(make)


def test_batch_norm_statistics_are_updated() -> None:
    def make() -> tuple[Any, Any]:
        net = model(nn.BatchNorm1d(4), nn.ReLU())
        return net, torch.optim.SGD(net.parameters(), lr=0.1)

    net, _ = assert_trains_alike(make)
    assert net[1].num_batches_tracked.item() == 6
    assert abs(net[1].running_mean.numpy()).max() > 0.01


def test_dropout_draws_a_new_mask_at_each_call() -> None:
    drop, ones = nn.Dropout(0.5), torch.ones(1000)
    masked = torch.jit(lambda x: drop(x))
    first, second = masked(ones).numpy(), masked(ones).numpy()
    assert 0.4 < (first == 0).mean() < 0.6
    assert (first != second).any()


def test_a_compiled_draw_is_the_eager_draw_from_the_same_seed() -> None:
    torch.manual_seed(3)
    wanted = [torch.rand(4).numpy() for _ in range(3)]
    draw = torch.jit(lambda: torch.rand(4))
    torch.manual_seed(3)
    np.testing.assert_allclose([draw().numpy() for _ in range(3)], wanted, rtol=1e-6)


def test_a_new_seed_reaches_a_step_that_is_already_compiled() -> None:
    draw = torch.jit(lambda: torch.rand(4))
    torch.manual_seed(1)
    first = draw().numpy()
    draw()
    torch.manual_seed(1)
    np.testing.assert_array_equal(draw().numpy(), first)


def test_eval_is_seen_by_a_step_compiled_in_training() -> None:
    net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(3))
    run, x = torch.jit(lambda x: net(x)), torch.tensor(X[0])
    run(x)
    net.eval()
    before = net[1].running_mean.numpy().copy()
    np.testing.assert_array_equal(run(x).detach().numpy(), run(x).detach().numpy())
    np.testing.assert_array_equal(net[1].running_mean.numpy(), before)
    net.train()
    assert (run(x).detach().numpy() != run(x).detach().numpy()).any()


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "step": lambda opt: torch.optim.lr_scheduler.StepLR(opt, 2, gamma=0.3),
    "cosine": lambda opt: torch.optim.lr_scheduler.CosineAnnealingLR(opt, 6),
    "exponential": lambda opt: torch.optim.lr_scheduler.ExponentialLR(opt, 0.5),
    "lambda": lambda opt: torch.optim.lr_scheduler.LambdaLR(opt, lambda epoch: 1 / (1 + epoch)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_acts_without_a_new_trace(name: str) -> None:
    ends: list[nn.Module] = []
    for compiled in (False, True):
        net = model()
        opt = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
        schedule = SCHEDULES[name](opt)
        step = make_step(net, opt)
        step = torch.jit(step, max_traces=1) if compiled else step
        for i in range(6):
            step(*batch(i))
            schedule.step()
        ends.append(net)
    assert_same_state(*ends)


def test_a_rate_that_a_schedule_changes_between_two_steps_of_one_call_is_read_again() -> None:
    ends: list[nn.Module] = []
    for compiled in (False, True):
        net = model()
        opt = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
        schedule = SCHEDULES["exponential"](opt)

        step = make_step(net, opt)

        def twice(x: torch.Tensor, y: torch.Tensor, step: Any = step, schedule: Any = schedule) -> None:
            step(x, y)
            schedule.step()
            step(x, y)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it runs eagerly
            call = torch.jit(twice) if compiled else twice
            for i in range(3):
                call(*batch(i))
        ends.append(net)
    assert_same_state(*ends)


def test_a_learning_rate_set_by_hand_acts_without_a_new_trace() -> None:
    net = model()
    opt = torch.optim.SGD(net.parameters(), lr=0.5)
    step = torch.jit(make_step(net, opt), max_traces=1)
    step(*batch(0))
    opt.param_groups[0]["lr"] = 0.0
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    step(*batch(1))
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])


def test_momentum_set_by_hand_acts_without_a_new_trace() -> None:
    ends: list[nn.Module] = []
    for compiled in (False, True):
        net = model()
        opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        step = make_step(net, opt)
        step = torch.jit(step, max_traces=1) if compiled else step
        for i in range(6):
            opt.param_groups[0]["momentum"] = 0.9 - 0.1 * i
            step(*batch(i))
        ends.append(net)
    assert_same_state(*ends)


def test_gradients_accumulate_over_compiled_calls() -> None:
    def make() -> tuple[nn.Module, Callable[..., None]]:
        net = model()

        def accumulate(x: torch.Tensor, y: torch.Tensor) -> None:
            F.cross_entropy(net(x), y).backward()

        return net, accumulate

    eager, accumulate = make()
    compiled, same = make()
    same = torch.jit(same)
    for i in range(3):
        accumulate(*batch(i))
        same(*batch(i))
    for left, right in zip(eager.parameters(), compiled.parameters(), strict=True):
        assert left.grad is not None and right.grad is not None
        np.testing.assert_allclose(right.grad.numpy(), left.grad.numpy(), rtol=1.3e-6, atol=1e-5)


def test_an_update_every_second_call_is_the_eager_one() -> None:
    ends = []
    for compiled in (False, True):
        net = model()
        opt = torch.optim.SGD(net.parameters(), lr=0.1)

        def half(x: torch.Tensor, y: torch.Tensor, net: Any = net) -> None:
            (F.cross_entropy(net(x), y) / 2).backward()

        def update(opt: Any = opt) -> None:
            opt.step()
            opt.zero_grad()

        if compiled:
            half, update = torch.jit(half), torch.jit(update)
        for i in range(6):
            half(*batch(i))
            if i % 2:
                update()
        ends.append(net)
    assert_same_state(*ends)


def test_a_gan_step_with_two_optimizers_trains_as_eagerly() -> None:
    ends = []
    for compiled in (False, True):
        torch.manual_seed(0)
        maker, critic = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3)), nn.Linear(3, 1)
        opt_m, opt_c = (torch.optim.Adam(n.parameters(), lr=0.01) for n in (maker, critic))
        loss = nn.BCEWithLogitsLoss()

        def step(real: torch.Tensor, maker=maker, critic=critic, opt_m=opt_m, opt_c=opt_c, loss=loss) -> Any:
            yes, no = torch.ones(8, 1), torch.zeros(8, 1)
            fake = maker(torch.randn(8, 2))
            opt_c.zero_grad()
            loss_c = loss(critic(real), yes) + loss(critic(fake.detach()), no)
            loss_c.backward()
            opt_c.step()
            opt_m.zero_grad()
            loss_m = loss(critic(fake), yes)
            loss_m.backward()
            opt_m.step()
            return loss_c, loss_m

        run = torch.jit(step) if compiled else step
        torch.manual_seed(5)
        shown = [[v.item() for v in run(torch.tensor(X[i]))] for i in range(6)]
        ends.append((maker, critic, shown))
    np.testing.assert_allclose(ends[1][2], ends[0][2], rtol=1e-5)
    assert_same_state(ends[1][0], ends[0][0])
    assert_same_state(ends[1][1], ends[0][1])


def test_an_average_of_the_weights_follows_the_compiled_weights() -> None:
    ends = []
    for compiled in (False, True):
        net = model()
        slow = copy.deepcopy(net)
        opt = torch.optim.SGD(net.parameters(), lr=0.5)
        step = make_step(net, opt)

        def both(x: torch.Tensor, y: torch.Tensor, step=step, net=net, slow=slow) -> None:
            step(x, y)
            with torch.no_grad():
                for average, p in zip(slow.parameters(), net.parameters(), strict=True):
                    average.mul_(0.9).add_(p, alpha=0.1)

        run = torch.jit(both) if compiled else both
        for i in range(6):
            run(*batch(i))
        ends.append((net, slow))
    assert_same_state(ends[1][1], ends[0][1])
    assert (ends[1][0][0].weight.detach().numpy() != ends[1][1][0].weight.detach().numpy()).any()


def test_a_clone_taken_before_a_step_keeps_its_values() -> None:
    net = model()
    opt = torch.optim.SGD(net.parameters(), lr=0.5)
    step = torch.jit(make_step(net, opt))
    step(*batch(0))
    kept = net[0].weight.detach().clone()
    values = net[0].weight.detach().numpy().copy()
    for i in range(1, 4):
        step(*batch(i))
    np.testing.assert_array_equal(kept.numpy(), values)
    assert (net[0].weight.detach().numpy() != values).any()


def test_a_detached_alias_follows_the_parameter() -> None:
    net = model()
    opt = torch.optim.SGD(net.parameters(), lr=0.5)
    alias = net[0].weight.detach()
    step = torch.jit(make_step(net, opt))
    for i in range(3):
        step(*batch(i))
        np.testing.assert_array_equal(alias.numpy(), net[0].weight.detach().numpy())


def test_a_numpy_copy_of_a_state_dict_survives_later_steps() -> None:
    net = model()
    opt = torch.optim.Adam(net.parameters(), lr=0.1)
    step = torch.jit(make_step(net, opt))
    step(*batch(0))
    state = copy.deepcopy(net.state_dict())
    values = {k: v.numpy().copy() for k, v in state.items()}
    step(*batch(1))
    for key, value in state.items():
        np.testing.assert_array_equal(value.numpy(), values[key])


def test_a_loss_kept_from_an_earlier_call_stays_readable() -> None:
    net = model()
    opt = torch.optim.SGD(net.parameters(), lr=0.5)
    step = torch.jit(make_step(net, opt))
    kept = [step(*batch(i)) for i in range(4)]
    assert len({loss.item() for loss in kept}) == 4


def test_tied_weights_stay_tied_and_get_both_gradients() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
            self.up.weight = self.down.weight
            self.head = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.up(torch.tanh(self.down(x))))

    def make() -> tuple[Any, Any]:
        torch.manual_seed(0)
        net = Tied()
        return net, torch.optim.Adam(net.parameters(), lr=0.01)

    net, _ = assert_trains_alike(make)
    assert net.up.weight is net.down.weight
    assert len(list(net.parameters())) == 3


def test_a_frozen_parameter_stays_as_it_is() -> None:
    def make() -> tuple[Any, Any]:
        net = model()
        net[0].weight.requires_grad_(False)
        return net, torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1, momentum=0.9)

    net, _ = assert_trains_alike(make)
    np.testing.assert_array_equal(net[0].weight.numpy(), model()[0].weight.detach().numpy())


class Refused(Exception):
    """What a step raises on purpose."""


def test_an_exception_leaves_every_tensor_as_it_was() -> None:
    net = model(nn.BatchNorm1d(4), nn.Dropout(0.5))
    opt = torch.optim.Adam(net.parameters(), lr=0.1)
    inner = make_step(net, opt)

    def step(x: torch.Tensor, y: torch.Tensor, fail: bool) -> torch.Tensor:
        loss = inner(x, y)
        if fail:
            raise Refused
        return loss

    run = torch.jit(step)
    run(*batch(0), False)
    state = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    grads = [p.grad.numpy().copy() for p in net.parameters()]
    moments = [{k: v.numpy().copy() for k, v in opt.state[p].items()} for p in net.parameters()]
    seed = torch.get_rng_state().numpy().copy()
    with pytest.raises(Refused):
        run(*batch(1), True)
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[key], err_msg=key)
    for p, grad, kept in zip(net.parameters(), grads, moments, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), grad)
        for key, value in kept.items():
            np.testing.assert_array_equal(opt.state[p][key].numpy(), value, err_msg=key)
    np.testing.assert_array_equal(torch.get_rng_state().numpy(), seed)
    run(*batch(1), False)


def test_a_new_batch_size_is_compiled_and_right() -> None:
    net = model()
    run = torch.jit(lambda x: net(x))
    for rows in (8, 5, 8, 3):
        x = torch.tensor(X[0][:rows])
        np.testing.assert_allclose(run(x).detach().numpy(), net(x).detach().numpy(), rtol=1.3e-6, atol=1e-5)


def test_loading_a_state_dict_reaches_a_compiled_function() -> None:
    net, other = model(), model(nn.Identity())
    run, x = torch.jit(lambda x: net(x)), torch.tensor(X[0])
    run(x)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(1.0)
    net.load_state_dict({k.replace("2.", "1."): v for k, v in other.state_dict().items()})
    np.testing.assert_allclose(run(x).detach().numpy(), other(x).detach().numpy(), rtol=1.3e-6, atol=1e-5)


def test_an_optimizer_restored_from_its_state_dict_goes_on_compiled() -> None:
    def make() -> tuple[Any, Any]:
        net = model()
        return net, torch.optim.Adam(net.parameters(), lr=0.05)

    whole, opt = make()
    step = torch.jit(make_step(whole, opt))
    wanted = losses(step)

    half, opt = make()
    step = torch.jit(make_step(half, opt))
    got = losses(step, 3)
    saved = copy.deepcopy((half.state_dict(), opt.state_dict()))
    rest, opt = make()
    step = torch.jit(make_step(rest, opt))
    step(*batch(0))
    rest.load_state_dict(saved[0])
    opt.load_state_dict(saved[1])
    got += [step(*batch(i)).item() for i in range(3, 6)]
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


def test_a_compiled_model_outside_a_step_still_takes_part_in_backward() -> None:
    net, x = model(nn.ReLU()), torch.tensor(X[0])
    F.cross_entropy(net(x), torch.tensor(Y[0])).backward()
    wanted = [p.grad.numpy().copy() for p in net.parameters()]
    net.zero_grad()
    compiled = torch.compile(net)
    F.cross_entropy(compiled(x), torch.tensor(Y[0])).backward()
    for p, grad in zip(net.parameters(), wanted, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), grad, rtol=1.3e-6, atol=1e-5)


def test_no_tracer_is_left_in_a_module() -> None:
    class Keeps(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.last = x * 2
            return self.last + 1

    net = Keeps()
    run = torch.jit(lambda x: net(x))
    for i in range(3):
        run(torch.full((2,), float(i)))
        np.testing.assert_array_equal(net.last.numpy(), np.full(2, 2.0 * i, np.float32))


def test_a_module_made_inside_of_a_step_is_compiled_with_it() -> None:
    net, x = nn.Linear(3, 4), torch.tensor(X[0])

    def step() -> torch.Tensor:
        loss = nn.MSELoss()(nn.Sequential(net, nn.LeakyReLU(0.1))(x), torch.ones(8, 4))
        loss.backward()
        return loss

    eager = step(), net.weight.grad.clone()
    net.zero_grad()
    compiled = torch.jit(step, fullgraph=True)
    torch.testing.assert_close((compiled(), net.weight.grad), eager)
    compiled()
    assert len(compiled.programs) == 1
    drawn = torch.jit(lambda: nn.Linear(3, 4)(x), fullgraph=True)
    assert not torch.equal(drawn(), drawn())


def test_a_module_made_inside_of_a_step_and_kept_is_named() -> None:
    holder = nn.Sequential()

    def step() -> None:
        holder.last = nn.Linear(3, 4)

    with pytest.raises(torch.compiler.NotCompilable, match="attribute 'last' of a Sequential"):
        torch.jit(step, fullgraph=True)()
    with pytest.warns(UserWarning, match="runs eagerly"):
        torch.jit(step)()
    assert isinstance(holder.last, nn.Linear)


def test_a_generator_of_ones_own_is_carried_and_draws_what_it_draws_eagerly() -> None:
    draws = []
    for compile in (torch.jit, lambda fn: fn):
        generator = torch.Generator().manual_seed(3)
        draw = compile(lambda generator=generator: torch.rand(3, generator=generator))
        draws.append([draw().tolist() for _ in range(3)])
    assert draws[0] == draws[1] and draws[0][0] != draws[0][1]


def test_gradients_set_to_zero_are_zeros_and_not_gone() -> None:
    w = torch.nn.Parameter(torch.ones(2))
    opt = torch.optim.SGD([w], lr=0.1)

    @torch.jit
    def step() -> None:
        opt.zero_grad(set_to_none=False)
        w.sum().backward()

    step()
    first = w.grad
    step()
    assert w.grad is first and w.grad.tolist() == [1, 1]


@pytest.mark.parametrize("as_view", [True, False])
@pytest.mark.parametrize("inside", [True, False])
def test_an_argument_changed_in_place_brings_its_base_onto_the_tape(as_view: bool, inside: bool) -> None:
    def scenario(compile: Compile) -> Any:
        w, buffer = nn.Parameter(torch.ones(2, 3)), torch.zeros(2, 3)

        def add(x: torch.Tensor) -> torch.Tensor:
            x.add_(w)
            if inside:
                (x * x).mean().backward()
            return x.detach()

        step, seen = compile(add), []
        for _ in range(2):
            seen.append(step(buffer.view(2, 3) if as_view else buffer).clone())
            if not inside:
                (buffer * buffer).sum().backward(retain_graph=True)
            seen += [buffer, buffer.requires_grad, buffer.is_leaf, w.grad.clone()]
        return seen

    assert_agrees(scenario)
