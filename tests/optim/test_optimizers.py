"""Optimizers without PyTorch: first steps in closed form, groups, state, hooks, one program for all learning rates."""

from __future__ import annotations

import copy
import math
from typing import Any

import jax
import numpy as np
import optax
import pytest

import fxtorch as torch
from fxtorch import optim
from fxtorch.optim import update

G = np.array([0.5, -2.0, 0.0], np.float32)
P = np.array([1.0, -1.0, 3.0], np.float32)


def parameter(values: Any = P) -> Any:
    return torch.tensor(np.array(values), requires_grad=True)


def stepped(make: Any, gradients: Any, start: Any = P) -> Any:
    p = parameter(start)
    opt = make([p])
    for g in gradients:
        p.grad = torch.tensor(np.asarray(g, np.asarray(start).dtype))
        opt.step()
    return p.detach().numpy(), opt


def root(x):
    return np.sqrt(np.asarray(x, np.float64))


# What the parameter moves by at the first step with gradient G, from the formula.
FIRST_STEPS = {
    "sgd": (lambda p: optim.SGD(p, lr=0.1), -0.1 * G),
    "sgd, weight decay": (lambda p: optim.SGD(p, lr=0.1, weight_decay=0.5), -0.1 * (G + 0.5 * P)),
    "sgd, momentum": (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), -0.1 * G),
    "sgd, dampening": (lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5), -0.1 * G),
    "sgd, nesterov": (lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), -0.1 * 1.9 * G),
    "sgd, maximize": (lambda p: optim.SGD(p, lr=0.1, maximize=True), 0.1 * G),
    "adagrad": (lambda p: optim.Adagrad(p, lr=0.1), -0.1 * np.sign(G)),
    "adagrad, start": (
        lambda p: optim.Adagrad(p, lr=0.1, initial_accumulator_value=2.0),
        -0.1 * G / root(2.0 + G**2),
    ),
    "rmsprop": (lambda p: optim.RMSprop(p, lr=0.1, alpha=0.75), -0.1 * np.sign(G) / 0.5),
    "rmsprop, centered": (
        lambda p: optim.RMSprop(p, lr=0.1, alpha=0.75, centered=True),
        -0.1 * np.sign(G) / math.sqrt(0.25 - 0.0625),
    ),
    "adam": (lambda p: optim.Adam(p, lr=0.1), -0.1 * np.sign(G)),
    "adam, amsgrad": (lambda p: optim.Adam(p, lr=0.1, amsgrad=True), -0.1 * np.sign(G)),
    "adam, large eps": (lambda p: optim.Adam(p, lr=0.1, eps=1.0), -0.1 * G / (np.abs(G) + 1.0)),
    "adamw": (lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.5), -0.1 * (np.sign(G) + 0.5 * P)),
    "adamax": (lambda p: optim.Adamax(p, lr=0.1), -0.1 * np.sign(G)),
    "radam": (lambda p: optim.RAdam(p, lr=0.1), -0.1 * G),
    "adadelta": (lambda p: optim.Adadelta(p, lr=0.5, rho=0.75, eps=1e-6), -0.5 * 1e-3 * G / root(0.25 * G**2 + 1e-6)),
    "rprop": (lambda p: optim.Rprop(p, lr=0.1), -0.1 * np.sign(G)),
    "asgd": (lambda p: optim.ASGD(p, lr=0.1, lambd=0.5), -0.1 * (0.5 * P + G)),
    "optax": (lambda p: optim.Optax(p, optax.sgd(0.1)), -0.1 * G),
    "optax, numbers as options": (lambda p: optim.Optax(p, optax.sgd, lr=0.1, momentum=0.9), -0.1 * G),
}


@pytest.mark.parametrize("name", FIRST_STEPS)
def test_the_first_step_is_the_formulas(name):
    make, move = FIRST_STEPS[name]
    p, _ = stepped(make, [G])
    np.testing.assert_allclose(p - P, move, rtol=2e-5, atol=1e-7)


def test_nadams_first_step():
    now, ahead = (0.9 * (1 - 0.5 * 0.96 ** (t * 0.004)) for t in (1, 2))
    p, _ = stepped(lambda q: optim.NAdam(q, lr=0.1), [G])
    move = -0.1 * (1 + ahead * 0.1 / (1 - now * ahead)) * np.sign(G)
    np.testing.assert_allclose(p - P, move, rtol=2e-5, atol=1e-7)


def test_momentum_adds_up():
    p, opt = stepped(lambda q: optim.SGD(q, lr=0.1, momentum=0.5), [G, G, G])
    np.testing.assert_allclose(p, P - 0.1 * (1 + 1.5 + 1.75) * G, rtol=1e-6)
    np.testing.assert_allclose(opt.state_dict()["state"][0]["momentum_buffer"].numpy(), 1.75 * G, rtol=1e-6)


def test_dampening_spares_the_first_step_only():
    p, opt = stepped(lambda q: optim.SGD(q, lr=1.0, momentum=0.5, dampening=0.25), [G, G])
    np.testing.assert_allclose(p, P - (1 + 0.5 + 0.75) * G, rtol=1e-6)
    assert set(opt.state_dict()["state"][0]) == {"momentum_buffer"}
    resumed = optim.SGD([parameter()], lr=1.0, momentum=0.5, dampening=0.25)
    resumed.load_state_dict(opt.state_dict())
    q = resumed.param_groups[0]["params"][0]
    q.grad = torch.tensor(G)
    resumed.step()
    np.testing.assert_allclose(q.detach().numpy(), P - (0.5 * 1.25 + 0.75) * G, rtol=1e-6)


def test_bias_is_corrected_in_double_precision():
    # 1 - 0.999 in float32 would be off by 1e-5 of itself
    p, _ = stepped(lambda q: optim.Adam(q, lr=1.0, betas=(0.0, 0.999), eps=0.0), [[2.0]], start=np.zeros(1))
    np.testing.assert_allclose(p, [-1.0], rtol=1e-12)


def test_parameters_count_their_own_steps():
    a, b = parameter(), parameter()
    opt = optim.Adam([a, b], lr=0.1)
    for i in range(3):
        a.grad = torch.tensor(G)
        b.grad = torch.tensor(G) if i == 2 else None
        opt.step()
    assert (opt.state[a]["step"].item(), opt.state[b]["step"].item()) == (3.0, 1.0)
    alone, _ = stepped(lambda q: optim.Adam(q, lr=0.1), [G])
    np.testing.assert_allclose(b.detach().numpy(), alone, rtol=1e-6)


def test_a_parameter_without_a_gradient_stays_and_has_no_state():
    a, b = parameter(), parameter()
    opt = optim.SGD([a, b], lr=0.1, momentum=0.9, weight_decay=0.1)
    a.grad = torch.tensor(G)
    opt.step()
    assert b.tolist() == P.tolist()
    assert list(opt.state_dict()["state"]) == [0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_other_types_stay_what_they_are(dtype):
    p = torch.ones(2, dtype=dtype, requires_grad=True)
    opt = optim.Adam([p], lr=0.5, weight_decay=0.1)
    p.grad = torch.ones(2, dtype=dtype)
    opt.step()
    assert (p.dtype, opt.state[p]["exp_avg"].dtype, opt.state[p]["step"].dtype) == (dtype, dtype, torch.float32)
    assert p.tolist() == pytest.approx([0.5, 0.5], rel=1e-7)


def test_groups_have_options_of_their_own():
    a, b = parameter(), parameter()
    opt = optim.SGD([{"params": [a]}, {"params": b, "lr": 1.0}], lr=0.1)
    a.grad = b.grad = torch.tensor(G)
    opt.step()
    np.testing.assert_allclose(a.detach().numpy(), P - 0.1 * G, rtol=1e-6)
    np.testing.assert_allclose(b.detach().numpy(), P - G, rtol=1e-6)
    assert [g["params"] for g in opt.state_dict()["param_groups"]] == [[0], [1]]


def test_names_of_parameters_are_kept():
    opt = optim.SGD([("w", parameter()), ("b", parameter())], lr=0.1)
    assert opt.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]
    with pytest.raises(ValueError, match="all optimizer param groups should be with/without names"):
        opt.add_param_group({"params": [parameter()]})


def test_a_learning_rate_changes_nothing_but_the_numbers():
    p = parameter()
    opt = optim.AdamW([p], lr=0.1)
    program: Any = update.compiled_update
    program.clear_cache()
    for lr in (0.1, 0.05, 0.2, 0.0):
        opt.param_groups[0].update(lr=lr, betas=(0.9 - lr, 0.99), weight_decay=lr + 0.1)
        p.grad = torch.tensor(G)
        before = p.detach().numpy().copy()
        opt.step()
        assert np.array_equal(p.detach().numpy(), before) == (lr == 0.0)
    assert program._cache_size() == 1


@pytest.mark.parametrize("compiled_step", [False, True])
def test_weights_that_begin_to_decay_do_so(compiled_step: bool):
    p = parameter()
    opt = optim.AdamW([p], lr=0.1, weight_decay=0)

    def train():
        (p * 0).sum().backward()
        opt.step()

    step = torch.jit(train) if compiled_step else train
    step()
    assert np.array_equal(p.detach().numpy(), P)
    opt.param_groups[0]["weight_decay"] = 0.5
    step()
    np.testing.assert_allclose(p.detach().numpy(), 0.95 * P, rtol=1e-6)


def test_a_learning_rate_may_be_a_tensor():
    lr = torch.tensor(0.5)
    p = parameter()
    opt = optim.SGD([p], lr=lr)
    p.grad = torch.tensor(G)
    opt.step()
    lr.fill_(0.25)
    opt.step()
    np.testing.assert_allclose(p.detach().numpy(), P - 0.75 * G, rtol=1e-6)
    assert p.dtype == torch.float32


@pytest.mark.parametrize("make", [lambda p: optim.Adam(p), lambda p: optim.SGD(p, momentum=0.9)], ids=["adam", "sgd"])
def test_state_goes_round_and_is_a_copy(make):
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 3))
    whole, _ = stepped(make, gradients)
    half, opt = stepped(make, gradients[:3])
    state = copy.deepcopy(opt.state_dict())
    p = parameter(half)
    resumed = make([p])
    resumed.load_state_dict(state)
    for g in gradients[3:]:
        p.grad = torch.tensor(g.astype(np.float32))
        resumed.step()
    np.testing.assert_array_equal(p.detach().numpy(), whole)
    for key, value in opt.state_dict()["state"][0].items():
        np.testing.assert_array_equal(value.numpy(), state["state"][0][key].numpy())


def test_a_state_dict_that_does_not_fit_changes_nothing():
    opt = optim.Adam([parameter()], lr=0.1)
    other = optim.Adam([parameter(), parameter()], lr=0.5).state_dict()
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        opt.load_state_dict(other)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        opt.load_state_dict({"state": {}, "param_groups": []})
    assert opt.param_groups[0]["lr"] == 0.1


def test_the_gradient_is_cleared_or_zeroed():
    p = parameter()
    opt = optim.SGD([p], lr=0.1)
    p.grad = torch.tensor(G)
    opt.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0, 0.0]
    opt.zero_grad()
    assert p.grad is None


def test_a_closure_is_asked_and_its_loss_returned():
    p = parameter()
    opt = optim.SGD([p], lr=0.25)

    def closure():
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert opt.step(closure).item() == 11.0
    np.testing.assert_allclose(p.detach().numpy(), 0.5 * P)


def test_hooks_are_called_in_order_and_can_be_taken_off():
    p = parameter()
    opt = optim.SGD([p], lr=0.1)
    p.grad = torch.tensor(G)
    calls = []
    handles = [
        opt.register_step_pre_hook(lambda o, args, kwargs: calls.append("before")),
        opt.register_step_post_hook(lambda o, args, kwargs: calls.append("after")),
        opt.register_state_dict_post_hook(lambda o, d: {**d, "extra": 1}),
        opt.register_load_state_dict_pre_hook(lambda o, d: calls.append("loading")),
    ]
    opt.step()
    state = opt.state_dict()
    opt.load_state_dict(state)
    assert calls == ["before", "after", "loading"]
    assert state["extra"] == 1
    for handle in handles:
        handle.remove()
    opt.step()
    assert len(calls) == 3
    assert "extra" not in opt.state_dict()


def test_an_optimizer_can_be_copied():
    p, opt = parameter(), None
    opt = optim.Adam([p], lr=0.1)
    p.grad = torch.tensor(G)
    opt.step()
    twin = copy.deepcopy(opt)
    q = twin.param_groups[0]["params"][0]
    assert q is not p
    q.grad = torch.tensor(G)
    twin.step()
    assert (opt.state[p]["step"].item(), twin.state[q]["step"].item()) == (1.0, 2.0)


def test_lbfgs_solves_a_quadratic_in_a_few_steps():
    a = torch.tensor(np.diag([1.0, 10.0, 100.0]))
    x = parameter(np.ones(3))
    opt = optim.LBFGS([x], line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = x @ (a @ x)
        loss.backward()
        return loss

    for _ in range(2):
        opt.step(closure)
    assert x.detach().abs().max().item() < 1e-6


@pytest.mark.parametrize(
    "tx",
    [
        optax.chain(optax.clip_by_global_norm(0.5), optax.adamw(1e-2)),
        optax.noisy_sgd(0.1, key=jax.random.key(3)),  # whose state holds a random key
    ],
    ids=["adamw", "noise"],
)
def test_optax_keeps_its_state_and_goes_on(tx):
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(4, 3)).astype(np.float32)
    whole, opt = stepped(lambda p: optim.Optax(p, tx), gradients)
    params, state = P, tx.init(P)
    for g in gradients:
        updates, state = tx.update(g, state, params)
        params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(whole, np.asarray(params), rtol=1e-6)
    half, opt = stepped(lambda p: optim.Optax(p, tx), gradients[:2])
    p = parameter(half)
    resumed = optim.Optax([p], tx)
    resumed.load_state_dict(opt.state_dict())
    for g in gradients[2:]:
        p.grad = torch.tensor(g)
        resumed.step()
    np.testing.assert_allclose(p.detach().numpy(), whole, rtol=1e-6)


def test_optax_numbers_follow_a_scheduler():
    p = parameter()
    opt: Any = optim.Optax([p], optax.sgd, lr=1.0)
    scheduler = optim.lr_scheduler.ExponentialLR(opt, 0.5)
    for _ in range(2):
        p.grad = torch.tensor(G)
        opt.step()
        scheduler.step()
    np.testing.assert_allclose(p.detach().numpy(), P - 1.5 * G, rtol=1e-6)
    assert opt._compiled._cache_size() == 1
    with pytest.raises(TypeError, match="needs a function that makes the transformation"):
        optim.Optax([p], optax.sgd(0.1), lr=0.1)


def test_an_optimizer_works_on_other_parameters_and_state_for_a_while():
    w, other = (torch.tensor([1.0], requires_grad=True) for _ in range(2))
    opt = optim.Adam([w], lr=0.5)
    w.grad = other.grad = torch.ones(1)
    opt.step()
    state = copy.deepcopy(opt.state_dict())
    state["param_groups"][0]["lr"] = 0.25
    with optim.swap_in_optimizer_params_and_state(opt, {"w": other}, state):
        opt.step()
    assert (w.item(), other.item()) == pytest.approx((0.5, 0.75))
    assert (opt.state[w]["step"].item(), state["state"][0]["step"].item()) == (1, 2)
    assert opt.param_groups[0]["lr"] == 0.5 and opt.param_groups[0]["params"] == [w]
    with (
        pytest.raises(RuntimeError, match="1 parameters, but 2"),
        optim.swap_in_optimizer_params_and_state(opt, {"a": w, "b": other}, state),
    ):
        pass


def test_groups_are_printed_with_a_line_between_them() -> None:
    optimizer = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr} for lr in (0.5, 0.25)])
    blocks = repr(optimizer).split("\n\n")
    assert [block.count("lr: ") for block in blocks] == [1, 1]
    assert "Parameter Group 1" in blocks[1]


@pytest.mark.parametrize(
    "tx",
    [
        optax.contrib.schedule_free_sgd(0.1),
        optax.contrib.prodigy(0.5),
        optax.MultiSteps(optax.sgd(0.1, momentum=0.9), 2),
        optax.chain(optax.adam(0.1), optax.ema(0.9)),
    ],
)
def test_optax_states_begin_with_the_parameters(tx: Any):
    gradients = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    whole, _ = stepped(lambda p: optim.Optax(p, tx), gradients)
    params, state = P, tx.init(P)
    for g in gradients:
        updates, state = tx.update(g, state, params)
        params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(whole, np.asarray(params), rtol=1e-6)


def test_optax_states_that_begin_with_the_parameters_step_once_before_they_are_compiled():
    ends = []
    for jitted in (False, True):
        p = parameter()
        opt = optim.Optax([p], optax.contrib.schedule_free_sgd(0.1))

        def step(opt: Any = opt, p: Any = p) -> None:
            opt.zero_grad()
            (p * p).sum().backward()
            opt.step()

        run = torch.jit(step) if jitted else step
        for _ in range(4):
            run()
        ends.append(p.detach().numpy())
    np.testing.assert_allclose(*ends, rtol=1e-5)


def test_a_class_that_wraps_an_optimizer_need_not_be_one():
    class Wrapper(optim.Optimizer):
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def step(self, closure: Any = None) -> Any:
            return self.inner.step(closure)

    p = parameter()
    p.grad = torch.tensor(G)
    Wrapper(optim.SGD([p], 0.1)).step()
    np.testing.assert_allclose(p.detach().numpy(), P - 0.1 * G, rtol=1e-6)
