"""``torch.autograd.graph``, ``func``, ``utils.checkpoint`` and averages of weights against PyTorch's: one call each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="compares with PyTorch")

from tests.parity.calls import assert_same, wave

Calls = dict[str, Callable[[Any], Any]]


def linear(t: Any, *sizes: int) -> Any:
    layers = [t.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    with t.no_grad():
        for layer in layers:
            layer.weight.copy_(wave(t, *layer.weight.shape))
            layer.bias.copy_(wave(t, *layer.bias.shape))
    return t.nn.Sequential(*layers)


CHECKPOINT: Calls = {
    **{
        f"checkpoint, reentrant={reentrant}": lambda t, reentrant=reentrant: recomputed(
            t, lambda m, x: t.utils.checkpoint.checkpoint(m, x, use_reentrant=reentrant)
        )
        for reentrant in (True, False)
    },
    "checkpoint_sequential": lambda t: recomputed(
        t, lambda m, x: t.utils.checkpoint.checkpoint_sequential(m, 2, x, use_reentrant=False)
    ),
    "context functions": lambda t: recomputed(
        t,
        lambda m, x: t.utils.checkpoint.checkpoint(
            m, x, use_reentrant=False, context_fn=t.utils.checkpoint.noop_context_fn
        ),
    ),
    "selective": lambda t: recomputed(t, lambda m, x: selective(t, m, x)),
    "detach_variable": lambda t: t.utils.checkpoint.detach_variable((t.ones(1, requires_grad=True) * 2, 3)),
    "check_backward_validity": lambda t: t.utils.checkpoint.check_backward_validity([t.ones(1, requires_grad=True)]),
    "device states": lambda t: [
        t.utils.checkpoint.get_device_states(t.ones(1)),
        t.utils.checkpoint.set_device_states([], []),
    ],
    "DefaultDeviceType": lambda t: t.utils.checkpoint.DefaultDeviceType.get_device_type(),
    "early stop": lambda t: stopped_early(t),
    "debugging": lambda t: debugged(t),
    "CheckpointError": lambda t: issubclass(t.utils.checkpoint.CheckpointError, RuntimeError),
    "CheckpointPolicy": lambda t: [p.name for p in t.utils.checkpoint.CheckpointPolicy],
    "SelectiveCheckpointContext": lambda t: (
        t.utils.checkpoint.SelectiveCheckpointContext(is_recompute=True).is_recompute
    ),
}


def recomputed(t: Any, call: Callable[[Any, Any], Any]) -> Any:
    model, x = linear(t, 3, 4, 2), wave(t, 2, 3).requires_grad_()
    out = call(model, x)
    out.sum().backward()
    return out, x.grad, [p.grad for p in model.parameters()]


def selective(t: Any, model: Any, x: Any) -> Any:
    c = t.utils.checkpoint
    policy = lambda context, function, *args, **kwargs: c.CheckpointPolicy.MUST_SAVE  # noqa: E731
    return c.checkpoint(
        model, x, use_reentrant=False, context_fn=lambda: c.create_selective_checkpoint_contexts(policy)
    )


def stopped_early(t: Any) -> Any:
    with t.utils.checkpoint.set_checkpoint_early_stop(False):
        return recomputed(t, lambda m, x: t.utils.checkpoint.checkpoint(m, x, use_reentrant=False))


def debugged(t: Any) -> Any:
    with t.utils.checkpoint.set_checkpoint_debug_enabled(False):
        return recomputed(t, lambda m, x: t.utils.checkpoint.checkpoint(m, x, use_reentrant=False))


AUTOGRAD: Calls = {
    "GradientEdge": lambda t: edge(t),
    "Node": lambda t: isinstance((t.ones(1, requires_grad=True) * 2).grad_fn, t.autograd.graph.Node),
    "allow_mutation_on_saved_tensors": lambda t: mutated(t),
    "disable_saved_tensors_hooks": lambda t: without_hooks(t),
    "saved_tensors_hooks": lambda t: packed(t),
    "save_on_cpu": lambda t: saved(t),
    "increment_version": lambda t: (lambda x: [t.autograd.graph.increment_version(x), x._version])(t.ones(1)),
    "register_multi_grad_hook": lambda t: several(t),
    "UnpackedDualTensor": lambda t: dual(t),
    "levels": lambda t: [t.autograd.forward_ad.enter_dual_level(), t.autograd.forward_ad.exit_dual_level()],
    "no level": lambda t: t.autograd.forward_ad.make_dual(t.ones(1), t.ones(1)),
    "functionalize": lambda t: t.func.functionalize(lambda x: x.clone().add_(1).view(-1))(wave(t, 2, 2)),
    "replace_all_batch_norm_modules_": lambda t: repr(
        t.func.replace_all_batch_norm_modules_(t.nn.Sequential(t.nn.BatchNorm1d(2)))
    ),
    "stack_module_state": lambda t: [
        {k: (tuple(v.shape), v.requires_grad) for k, v in d.items()}
        for d in t.func.stack_module_state([t.nn.BatchNorm1d(2), t.nn.BatchNorm1d(2)])
    ],
    "NestedIOFunction": lambda t: issubclass(t.autograd.function.NestedIOFunction, t.autograd.Function),
    "grad_mode": lambda t: [t.autograd.grad_mode.no_grad is t.no_grad, t.autograd.grad_mode.inference_mode],
    "get_swa_avg_fn": lambda t: averaged(t, t.optim.swa_utils.get_swa_avg_fn(), several=False),
    "get_ema_avg_fn": lambda t: averaged(t, t.optim.swa_utils.get_ema_avg_fn(0.9), several=False),
    "get_swa_multi_avg_fn": lambda t: averaged(t, t.optim.swa_utils.get_swa_multi_avg_fn(), several=True),
    "get_ema_multi_avg_fn": lambda t: averaged(t, t.optim.swa_utils.get_ema_multi_avg_fn(0.9), several=True),
    "gammainc": lambda t: [t.special.gammainc(t.ones(2), wave(t, 2).abs()), t.special.gammaincc(t.ones(2), t.ones(2))],
    "constraints": lambda t: [
        t.distributions.constraints.greater_than_eq(1.0).check(t.tensor([0.5, 1.0, 2.0])),
        t.distributions.constraints.is_dependent(t.distributions.constraints.dependent),
        t.distributions.constraints.is_dependent(t.distributions.constraints.positive),
        isinstance(t.distributions.constraints.real, t.distributions.constraints.Constraint),
        repr(t.distributions.constraints.greater_than_eq(1.0)),
    ],
    "Transform": lambda t: own_transform(t),
}


def edge(t: Any) -> Any:
    x = t.ones(2, requires_grad=True)
    y = x * 3
    found = t.autograd.graph.get_gradient_edge(y)
    leaf = t.autograd.graph.get_gradient_edge(x)
    return type(found).__name__, found.output_nr, t.autograd.grad((y * y).sum(), [found, leaf])


def mutated(t: Any) -> Any:
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        x = t.ones(2, requires_grad=True)
        y = x.clone()
        out = (y**2).sum()
        y.sin_()
        out.backward()
    return x.grad


def without_hooks(t: Any) -> Any:
    graph = t.autograd.graph
    with graph.disable_saved_tensors_hooks("not here"), graph.saved_tensors_hooks(lambda x: x, lambda x: x):
        return (t.ones(1, requires_grad=True) ** 2).sum()


def packed(t: Any) -> Any:
    seen = []
    with t.autograd.graph.saved_tensors_hooks(lambda x: seen.append("pack") or (x * 2), lambda x: x):
        x = t.tensor([3.0], requires_grad=True)
        y = x**2
    y.sum().backward()
    return x.grad, set(seen)


def saved(t: Any) -> Any:
    with t.autograd.graph.save_on_cpu():
        x = t.ones(2, requires_grad=True)
        (x**3).sum().backward()
    return x.grad


def several(t: Any) -> Any:
    a, b = t.ones(1, requires_grad=True), t.ones(1, requires_grad=True)
    seen = []
    handle = t.autograd.graph.register_multi_grad_hook((a, b), lambda grads: seen.append([g.clone() for g in grads]))
    (a * 2 + b * 3).sum().backward()
    handle.remove()
    (a * 2 + b * 3).sum().backward()
    return seen


def dual(t: Any) -> Any:
    forward = t.autograd.forward_ad
    with forward.dual_level():
        x = forward.make_dual(t.ones(2) * 3, t.ones(2))
        both = forward.unpack_dual(x**2)
        plain = forward.unpack_dual(t.ones(1))
    return type(both).__name__, both.primal, both.tangent, plain.tangent


def averaged(t: Any, rule: Any, *, several: bool) -> Any:
    if not several:
        return rule(t.ones(2), t.ones(2) * 3, t.tensor(2))
    averages = [t.ones(2), t.zeros(1)]
    rule(averages, [t.ones(2) * 3, t.ones(1)], t.tensor(2))
    return averages


def own_transform(t: Any) -> Any:
    class Double(t.distributions.Transform):
        domain = codomain = t.distributions.constraints.real
        bijective, sign = True, +1

        def _call(self, x):
            return 2 * x

        def _inverse(self, y):
            return y / 2

        def log_abs_det_jacobian(self, x, y):
            return t.full_like(x, 2.0).log()

    double = Double(cache_size=1)
    x = wave(t, 2)
    y = double(x)
    d = t.distributions.TransformedDistribution(t.distributions.Normal(0.0, 1.0), [double])
    return y, double.inv(y) is x, double.inv.inv is double, d.log_prob(y), double.sign, double == Double()


@pytest.mark.parametrize("name", CHECKPOINT)
def test_checkpoints(name):
    assert_same(CHECKPOINT[name])


@pytest.mark.parametrize("name", AUTOGRAD)
def test_graphs_and_transformations(name):
    assert_same(AUTOGRAD[name])
