"""Optimizers and schedulers against PyTorch: same parameters, same gradients, same numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity tests compare with PyTorch")

import fxtorch  # noqa: E402
import fxtorch.optim as optim  # noqa: E402

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"centered": True, "weight_decay": 0.1, "alpha": 0.9}),
    ("RMSprop", {"momentum": 0.9, "maximize": True}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "betas": (0.8, 0.99), "eps": 1e-3}),
    ("Adam", {"lr": 0.01, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    ("Adamax", {"weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {"weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Rprop", {}),
    ("ASGD", {"lambd": 0.1, "t0": 3, "weight_decay": 0.1}),
]
SHAPES = [(3, 4), (5,), ()]


def draw(rng, shape, dtype):
    x = rng.normal(size=shape)
    return (x + 1j * rng.normal(size=shape) if dtype.startswith("complex") else x).astype(dtype)


def pair_of(rng, dtype):
    start = [draw(rng, shape, dtype) for shape in SHAPES]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in start]
    ours = [fxtorch.tensor(a, requires_grad=True) for a in start]
    return theirs, ours


def give_gradients(rng, dtype, theirs, ours, absent=()):
    for i, (a, b) in enumerate(zip(theirs, ours, strict=True)):
        if i in absent:
            a.grad = b.grad = None
            continue
        g = draw(rng, a.shape, dtype)
        a.grad, b.grad = torch.tensor(g), fxtorch.tensor(g)


def assert_same(theirs, ours, dtype):
    tolerance: dict[str, Any] = (
        {"rtol": 1e-5, "atol": 2e-6} if dtype in ("float32", "complex64") else {"rtol": 1e-7, "atol": 1e-7}
    )
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), **tolerance)


OTHER_TYPES = [(name, options, "complex64") for name, options in OPTIMIZERS if name in ("SGD", "Adagrad", "Rprop")]
OTHER_TYPES += [("Adam", {"amsgrad": True}, dtype) for dtype in ("float64", "complex64")]


@pytest.mark.parametrize(
    ("name", "options", "dtype"),
    [(name, options, "float32") for name, options in OPTIMIZERS] + OTHER_TYPES,
    ids=lambda v: v if isinstance(v, str) else "-".join(v),
)
def test_twelve_steps_give_torchs_parameters_and_state(name, options, dtype):
    rng = np.random.default_rng(0)
    theirs, ours = pair_of(rng, dtype)
    their_opt, our_opt = getattr(torch.optim, name)(theirs, **options), getattr(optim, name)(ours, **options)
    for i in range(12):
        # the second parameter has no gradient at times: its count of steps falls behind
        give_gradients(rng, dtype, theirs, ours, absent=(1,) if i % 3 == 1 else ())
        their_opt.step()
        our_opt.step()
    assert_same(theirs, ours, dtype)
    their_state, our_state = their_opt.state_dict(), our_opt.state_dict()
    assert our_state["param_groups"] == their_state["param_groups"]
    assert {k: set(v) for k, v in our_state["state"].items()} == {k: set(v) for k, v in their_state["state"].items()}
    for index, state in their_state["state"].items():
        for key, value in state.items():
            own = our_state["state"][index][key]
            assert (tuple(own.shape), str(own.dtype).split(".")[-1]) == (tuple(value.shape), str(value.dtype)[6:])
            assert_same([value], [own], "float32" if value.dtype == torch.float32 else dtype)


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS[4::4], ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_training_goes_on_from_torchs_state_dict(name, options):
    rng = np.random.default_rng(1)
    theirs, ours = pair_of(rng, "float32")
    their_opt, our_opt = getattr(torch.optim, name)(theirs, **options), getattr(optim, name)(ours, **options)
    for _ in range(4):
        give_gradients(rng, "float32", theirs, ours)
        their_opt.step()
    saved = their_opt.state_dict()
    state = {i: {k: fxtorch.tensor(v.numpy()) for k, v in s.items()} for i, s in saved["state"].items()}
    our_opt.load_state_dict({"state": state, "param_groups": saved["param_groups"]})
    for a, b in zip(theirs, ours, strict=True):
        b.data = fxtorch.tensor(a.detach().numpy().copy())
    for _ in range(4):
        give_gradients(rng, "float32", theirs, ours)
        their_opt.step()
        our_opt.step()
    assert_same(theirs, ours, "float32")


LBFGS = [
    {},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_eval": 3, "lr": 200},  # what is left of it bounds the line search
    {"line_search_fn": "strong_wolfe", "history_size": 3, "max_eval": 7},
    {"history_size": 2, "lr": 0.5},
]


def valley(x):
    return (10 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@pytest.mark.parametrize("options", LBFGS, ids=str)
def test_lbfgs_walks_torchs_path(options):
    start = np.array([-1.2, 1.0, 0.3, 2.0])

    def run(lib, cls):
        x = lib.tensor(start, requires_grad=True)
        opt = cls([x], max_iter=8, **options)
        path = []

        def closure():
            opt.zero_grad()
            loss = valley(x)
            loss.backward()
            return loss.detach()

        for _ in range(4):
            path.append((float(opt.step(closure)), x.detach().numpy().copy()))
        state = opt.state_dict()["state"][0]
        return path, state["func_evals"], state["n_iter"], set(state)

    theirs, ours = run(torch, torch.optim.LBFGS), run(fxtorch, optim.LBFGS)
    assert ours[1:3] == theirs[1:3]
    assert ours[3] | {"al"} == theirs[3] | {"al"}
    for (a, x), (b, y) in zip(theirs[0], ours[0], strict=True):
        np.testing.assert_allclose([b, *y], [a, *x], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("history", [3, 40])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_an_lbfgs_checkpoint_goes_on_in_the_other_library(tmp_path, history, dtype):
    start = np.array([-1.2, 1.0, 0.3, 2.0, 0.5, -0.4])

    def begun(lib, values):
        values = values.view("complex128") if dtype == "complex128" and values.dtype != dtype else values
        x = lib.tensor(values, requires_grad=True)
        opt = lib.optim.LBFGS([x], max_iter=5, lr=0.3, history_size=history)

        def closure():
            opt.zero_grad()
            loss = valley(lib.view_as_real(x).reshape(-1) if dtype == "complex128" else x)
            loss.backward()
            return loss

        return x, opt, closure

    def continued(first, second):
        x, opt, closure = begun(first, start)
        for _ in range(3):
            opt.step(closure)
        first.save(opt.state_dict(), tmp_path / "opt.pt")
        x, opt, closure = begun(second, x.detach().numpy().copy())
        opt.load_state_dict(second.load(tmp_path / "opt.pt", weights_only=True))
        for _ in range(3):
            opt.step(closure)
        return x.detach().numpy()

    expected = continued(torch, torch)
    for first, second in ((torch, fxtorch), (fxtorch, torch), (fxtorch, fxtorch)):
        np.testing.assert_allclose(continued(first, second), expected, rtol=1e-7, atol=1e-10)


def test_lbfgs_takes_a_missing_and_a_sparse_gradient_as_torch():
    def run(lib):
        table = lib.nn.Embedding(5, 2, sparse=True, dtype=lib.float64)
        unused = lib.nn.Parameter(lib.ones(3, dtype=lib.float64))
        with lib.no_grad():
            table.weight.copy_(lib.arange(10, dtype=lib.float64).reshape(5, 2) / 10)
        opt = lib.optim.LBFGS([table.weight, unused], max_iter=4)

        def closure():
            opt.zero_grad()
            loss = (table(lib.tensor([1, 3, 1])) ** 2).sum()
            loss.backward()
            return loss

        for _ in range(2):
            opt.step(closure)
        return table.weight.detach().numpy(), unused.detach().numpy()

    for ours, theirs in zip(run(fxtorch), run(torch), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-12)


def swa_of(schedulers):
    return torch.optim.swa_utils if schedulers is torch.optim.lr_scheduler else optim.swa_utils


SCHEDULERS = {
    "lambda": lambda s, o: s.LambdaLR(o, lambda e: 0.95**e),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9 + 0.001 * e),
    "step": lambda s, o: s.StepLR(o, 7, 0.5),
    "multistep": lambda s, o: s.MultiStepLR(o, [5, 20, 20, 41], 0.3),
    "constant": lambda s, o: s.ConstantLR(o, 0.25, 9),
    "linear": lambda s, o: s.LinearLR(o, 0.2, 0.9, 12),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.93),
    "polynomial": lambda s, o: s.PolynomialLR(o, 30, 1.7),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 11, 0.003),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 1, 0.001),
    "longer restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, 2),
    "triangular": lambda s, o: s.CyclicLR(o, 0.01, 0.4, 6, 3),
    "triangular2": lambda s, o: s.CyclicLR(o, 0.01, 0.4, 6, mode="triangular2", cycle_momentum=False),
    "exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.4, 6, mode="exp_range", gamma=0.98),
    "scaled cycles": lambda s, o: s.CyclicLR(o, 0.01, 0.4, 5, scale_fn=lambda x: 0.9**x, scale_mode="iterations"),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=60),
    "one cycle, linear, three phases": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.2], epochs=6, steps_per_epoch=10, anneal_strategy="linear", three_phase=True
    ),
    "sequential": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9), s.CosineAnnealingLR(o, 9)], [5, 30]
    ),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 8), s.ExponentialLR(o, 0.95), s.StepLR(o, 13)]),
    "swa, cosine": lambda s, o: swa_of(s).SWALR(o, 0.03, anneal_epochs=12),
    "swa, at once": lambda s, o: swa_of(s).SWALR(o, [0.03, 0.02], anneal_epochs=0),
    "warmup, then restarts": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=6), s.CosineAnnealingWarmRestarts(o, 7)], [6]
    ),
}


def scheduled(lib, opts, name, make, steps, momentum):
    groups: list[dict[str, Any]] = [
        {"params": [lib.tensor([1.0], requires_grad=True)]},
        {"params": [lib.tensor([1.0], requires_grad=True)]},
    ]
    groups[1].update(lr=0.05)
    opt = opts.SGD(groups, lr=0.1, momentum=0.9) if momentum == "momentum" else opts.Adam(groups, lr=0.1)
    scheduler = make(opts.lr_scheduler, opt)
    rates = []
    for _ in range(steps):
        rates.append([*scheduler.get_last_lr(), *(g["lr"] for g in opt.param_groups)])
        rates[-1] += [g["momentum"] if momentum == "momentum" else g["betas"][0] for g in opt.param_groups]
        opt.step()
        scheduler.step()
    return rates, scheduler


@pytest.mark.parametrize("momentum", ["momentum", "betas"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_fifty_epochs_give_torchs_rates_and_state(name, momentum):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own deprecations
        theirs, their_scheduler = scheduled(torch, torch.optim, name, SCHEDULERS[name], 50, momentum)
    ours, our_scheduler = scheduled(fxtorch, optim, name, SCHEDULERS[name], 50, momentum)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)
    their_state, our_state = their_scheduler.state_dict(), our_scheduler.state_dict()
    assert set(our_state) == set(their_state)
    other = scheduled(fxtorch, optim, name, SCHEDULERS[name], 3, momentum)[1]
    other.load_state_dict(their_state)
    assert other.last_epoch == their_scheduler.last_epoch if hasattr(other, "last_epoch") else True


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2, "factor": 0.5},
        {"mode": "max", "patience": 1, "threshold": 0.05, "threshold_mode": "abs", "cooldown": 3},
        {"patience": 0, "min_lr": [0.02, 0.01], "eps": 1e-3},
        {"mode": "max", "patience": 1, "threshold": 0.1},
    ],
    ids=str,
)
def test_plateaus_are_seen_as_torch_sees_them(options):
    metrics = np.random.default_rng(2).normal(size=50).cumsum()

    def run(lib, opts):
        groups = [{"params": [lib.tensor([1.0], requires_grad=True)]} for _ in range(2)]
        opt = opts.SGD(groups, lr=0.1)
        scheduler = opts.lr_scheduler.ReduceLROnPlateau(opt, **options)
        rates = []
        for metric in metrics:
            scheduler.step(metric)
            rates.append(list(scheduler.get_last_lr()))
        return rates, scheduler.state_dict()

    theirs, ours = run(torch, torch.optim), run(fxtorch, optim)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12)
    assert set(ours[1]) == set(theirs[1])


BAD = [
    ("SGD", {"lr": -1.0}),
    ("SGD", {"momentum": -1.0}),
    ("SGD", {"weight_decay": -1.0}),
    ("SGD", {"nesterov": True}),
    ("Adam", {"lr": -1.0}),
    ("Adam", {"eps": -1.0}),
    ("Adam", {"betas": (1.0, 0.9)}),
    ("AdamW", {"betas": (0.9, 1.9)}),
    ("AdamW", {"weight_decay": -1.0}),
    ("Adagrad", {"lr_decay": -1.0}),
    ("Adagrad", {"initial_accumulator_value": -1.0}),
    ("RMSprop", {"alpha": -1.0}),
    ("RMSprop", {"momentum": -1.0}),
    ("NAdam", {"momentum_decay": -1.0}),
    ("Adadelta", {"rho": 2.0}),
    ("Rprop", {"etas": (2, 3)}),
    ("ASGD", {"weight_decay": -1.0}),
    ("LBFGS", {"lr": -1.0}),
]


@pytest.mark.parametrize(("name", "options"), BAD, ids=lambda v: v if isinstance(v, str) else str(v))
def test_bad_options_raise_torchs_words(name, options):
    with pytest.raises(ValueError) as theirs:
        getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)], **options)
    with pytest.raises(ValueError) as ours:
        getattr(optim, name)([fxtorch.zeros(1, requires_grad=True)], **options)
    assert str(ours.value) == str(theirs.value)


GROUPS = {
    "one tensor": lambda lib: lib.zeros(1, requires_grad=True),
    "nothing": lambda lib: [],
    "a set": lambda lib: [{"params": {lib.zeros(1, requires_grad=True)}}],
    "a number": lambda lib: [1.0],
    "a result": lambda lib: [lib.zeros(1, requires_grad=True) * 2],
    "the same twice": lambda lib: (lambda p: [{"params": [p]}, {"params": [p]}])(lib.zeros(1, requires_grad=True)),
    "half named": lambda lib: [("a", lib.zeros(1, requires_grad=True)), lib.zeros(1, requires_grad=True)],
}


@pytest.mark.parametrize("name", GROUPS)
def test_bad_groups_raise_torchs_class(name):
    with pytest.raises((TypeError, ValueError)) as theirs:
        torch.optim.SGD(GROUPS[name](torch))
    with pytest.raises(theirs.type):
        optim.SGD(GROUPS[name](fxtorch))


def test_repr_is_torchs():
    theirs, ours = [torch.zeros(1, requires_grad=True)], [fxtorch.zeros(1, requires_grad=True)]
    assert repr(optim.AdamW(ours, lr=0.5)) == repr(torch.optim.AdamW(theirs, lr=0.5))
