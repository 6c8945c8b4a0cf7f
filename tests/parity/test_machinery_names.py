"""Futures, streams, compilation, mixed precision and registrations of ``torch``, against PyTorch's: one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="compares with PyTorch")

from tests.parity.calls import assert_same

Calls = dict[str, Callable[[Any], Any]]


def raised(call: Callable[[], Any]) -> str:
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "nothing"


MACHINERY: Calls = {
    "fork and wait": lambda t: t.wait(t.fork(lambda x: x * 2, t.ones(2))),
    "Future": lambda t: future(t),
    "OutOfMemoryError": lambda t: [
        issubclass(t.OutOfMemoryError, RuntimeError),
        t.OutOfMemoryError is t.cuda.OutOfMemoryError,
    ],
    "compile": lambda t: [
        t.compile(lambda x: x.sin() + 1, backend="eager")(t.ones(2)),
        t.compile(backend="eager")(lambda x: x * 2)(t.ones(2)),
    ],
    "compiled module": lambda t: compiled(t),
    "while_loop": lambda t: t.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (t.tensor(0), t.ones(2))),
    "GradScaler": lambda t: scaled(t),
    "GradScaler that is off": lambda t: (lambda s: [s.is_enabled(), s.get_scale(), s.scale(t.ones(1))])(
        t.GradScaler("cpu", enabled=False)
    ),
    "custom_fwd": lambda t: custom(t),
    "BroadcastingList": lambda t: [
        hasattr(getattr(t.nn.functional, f"BroadcastingList{n}"), "__getitem__") for n in (1, 2, 3)
    ],
    "update_bn": lambda t: normalized(t),
    "make_tensor": lambda t: made(t),
    "make_tensor of a wrong range": lambda t: t.testing.make_tensor(2, dtype=t.float32, device="cpu", low=3, high=2),
    "register_kl": lambda t: divergence(t),
    "dependent_property": lambda t: dependent(t),
    "ScriptModule": lambda t: issubclass(t.jit.ScriptModule, t.nn.Module),
}


def future(t: Any) -> Any:
    promise = t.futures.Future()
    then = promise.then(lambda f: f.wait() + 1)
    seen = [promise.done()]
    promise.set_result(3)
    return [*seen, promise.done(), promise.value(), then.wait(), isinstance(promise, t.Future)]


def compiled(t: Any) -> Any:
    layer = t.nn.Linear(2, 1)
    with t.no_grad():
        layer.weight.fill_(0.5)
        layer.bias.fill_(0.25)
    fast = t.compile(layer, backend="eager")
    fast(t.ones(1, 2)).sum().backward()
    return fast(t.ones(1, 2)), layer.weight.grad, [n for n, _ in layer.named_parameters()]


def scaled(t: Any) -> Any:
    w = t.nn.Parameter(t.ones(2))
    opt = t.optim.SGD([w], lr=0.5)
    scaler = t.GradScaler("cpu", init_scale=8.0, growth_interval=1)
    seen = []
    for factor in (1.0, float("inf"), 2.0):
        opt.zero_grad()
        scaler.scale((w * factor).sum()).backward()
        scaler.step(opt)
        scaler.update()
        seen.append((w.detach().clone(), scaler.get_scale()))
    return seen, scaler.state_dict()


def custom(t: Any) -> Any:
    class Square(t.autograd.Function):
        @staticmethod
        @t.amp.custom_fwd(device_type="cpu", cast_inputs=t.float32)
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @t.amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    x = t.ones(2, dtype=t.bfloat16, requires_grad=True)
    with t.autocast("cpu", dtype=t.bfloat16):
        y = Square.apply(x)
    y.sum().backward()
    return y, x.grad


def normalized(t: Any) -> Any:
    model = t.nn.Sequential(t.nn.BatchNorm1d(2))
    batches = [t.arange(8.0).reshape(4, 2), t.arange(8.0).reshape(4, 2) * 3]
    t.optim.swa_utils.update_bn(batches, model)
    return model[0].running_mean, model[0].running_var, model[0].momentum, model.training


def made(t: Any) -> Any:
    x = t.testing.make_tensor((3, 4), dtype=t.float32, device="cpu", low=-1, high=2, requires_grad=True)
    y = t.testing.make_tensor(50, dtype=t.int64, device="cpu", low=3, high=6, exclude_zero=True)
    z = t.testing.make_tensor(2, 3, dtype=t.bool, device="cpu", noncontiguous=True)
    inside = bool(((x >= -1) & (x <= 2)).all()), bool(((y >= 3) & (y < 6)).all())
    return tuple(x.shape), x.dtype, x.requires_grad, inside, tuple(z.shape), z.dtype


def divergence(t: Any) -> Any:
    class Point(t.distributions.Distribution):
        arg_constraints = {}  # noqa: RUF012

    class Special(Point):
        pass

    @t.distributions.register_kl(Point, Point)
    def _(p, q):
        return t.tensor(7.0)

    p, q = Special(validate_args=False), Point(validate_args=False)
    other = t.distributions.Normal(0.0, 1.0)
    return t.distributions.kl_divergence(p, q), raised(lambda: t.distributions.kl_divergence(p, other))


def dependent(t: Any) -> Any:
    constraints = t.distributions.constraints

    class Bounded(t.distributions.Distribution):
        arg_constraints = {}  # noqa: RUF012

        def __init__(self, high):
            self.high = high
            super().__init__(validate_args=False)

        @constraints.dependent_property(is_discrete=False, event_dim=0)
        def support(self):
            return constraints.interval(0.0, self.high)

    support = Bounded(2.0).support
    return support.check(t.tensor([1.0, 3.0])), Bounded.support.is_discrete, Bounded.support.event_dim


@pytest.mark.parametrize("name", MACHINERY)
def test_machinery(name):
    assert_same(MACHINERY[name])
