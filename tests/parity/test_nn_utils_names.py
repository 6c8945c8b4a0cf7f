"""``torch.nn.utils``, pruning and parametrizations against PyTorch's: one call each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch.nn.utils.prune", reason="compares with PyTorch")

from tests.parity.calls import assert_same, wave

Calls = dict[str, Callable[[Any], Any]]


def graded(t: Any) -> Any:
    """Two parameters with gradients and one without."""
    params = [t.nn.Parameter(wave(t, 2, 3)), t.nn.Parameter(wave(t, 4)), t.nn.Parameter(t.ones(1))]
    for p in params[:2]:
        p.grad = wave(t, *p.shape) * 3
    return params


def linear(t: Any, *sizes: int) -> Any:
    layers = [t.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    with t.no_grad():
        for layer in layers:
            layer.weight.copy_(wave(t, *layer.weight.shape))
            layer.bias.copy_(wave(t, *layer.bias.shape))
    return t.nn.Sequential(*layers)


NN_UTILS: Calls = {
    "clip_grad_norm": lambda t: (lambda ps: [t.nn.utils.clip_grad_norm(ps, 1.0), [p.grad for p in ps]])(graded(t)),
    "get_total_norm": lambda t: [
        t.nn.utils.get_total_norm([wave(t, 3), wave(t, 2, 2)], norm_type=kind) for kind in (2.0, 1.0, float("inf"))
    ],
    "get_total_norm of nothing": lambda t: t.nn.utils.get_total_norm([]),
    "get_total_norm that is not finite": lambda t: t.nn.utils.get_total_norm(
        [t.tensor([float("nan")])], error_if_nonfinite=True
    ),
    "clip_grads_with_norm_": lambda t: (
        lambda ps: [t.nn.utils.clip_grads_with_norm_(ps, 1.0, t.tensor(4.0)), [p.grad for p in ps]]
    )(graded(t)),
    "parameters_to_vector": lambda t: t.nn.utils.parameters_to_vector(graded(t)),
    "vector_to_parameters": lambda t: (lambda ps: [t.nn.utils.vector_to_parameters(t.arange(11.0), ps), list(ps)])(
        graded(t)
    ),
    "skip_init": lambda t: [
        tuple(p.shape) for p in t.nn.utils.skip_init(t.nn.Linear, 2, 3, dtype=t.float64).parameters()
    ],
    "skip_init of what takes no device": lambda t: t.nn.utils.skip_init(t.nn.ReLU),
    "convert_conv2d_weight_memory_format": lambda t: (
        lambda m: t.nn.utils.convert_conv2d_weight_memory_format(m, t.channels_last)(wave(t, 1, 2, 4, 4)).shape
    )(t.nn.Conv2d(2, 3, 3)),
    "convert_conv3d_weight_memory_format": lambda t: (
        lambda m: t.nn.utils.convert_conv3d_weight_memory_format(m, t.channels_last_3d)(wave(t, 1, 2, 4, 4, 4)).shape
    )(t.nn.Conv3d(2, 3, 3)),
    "fuse_conv_bn_weights": lambda t: t.nn.utils.fuse_conv_bn_weights(
        wave(t, 3, 2, 1, 1), None, wave(t, 3), wave(t, 3).abs() + 0.5, 1e-5, wave(t, 3) + 2, wave(t, 3)
    ),
    "fuse_conv_bn_weights, transposed": lambda t: t.nn.utils.fuse_conv_bn_weights(
        wave(t, 2, 3, 1, 1), wave(t, 3), wave(t, 3), wave(t, 3).abs() + 0.5, 1e-5, None, None, transpose=True
    ),
    "fuse_linear_bn_weights": lambda t: t.nn.utils.fuse_linear_bn_weights(
        wave(t, 3, 2), wave(t, 3), wave(t, 3), wave(t, 3).abs() + 0.5, 1e-5, wave(t, 3) + 2, wave(t, 3)
    ),
    "remove_spectral_norm": lambda t: (
        lambda m: [sorted(n for n, _ in t.nn.utils.remove_spectral_norm(m).named_parameters()), list(m.state_dict())]
    )(t.nn.utils.spectral_norm(linear(t, 2, 3)[0])),
    "remove_spectral_norm of none": lambda t: t.nn.utils.remove_spectral_norm(t.nn.Linear(2, 3)),
    "invert_permutation": lambda t: [
        t.nn.utils.rnn.invert_permutation(t.tensor([2, 0, 1])),
        t.nn.utils.rnn.invert_permutation(None),
    ],
    "unpad_sequence": lambda t: t.nn.utils.rnn.unpad_sequence(wave(t, 3, 2), t.tensor([3, 1])),
    "unpad_sequence, batch first": lambda t: t.nn.utils.rnn.unpad_sequence(wave(t, 2, 3), t.tensor([2, 3]), True),
    "unpack_sequence": lambda t: t.nn.utils.rnn.unpack_sequence(
        t.nn.utils.rnn.pack_sequence([t.arange(2.0), t.arange(3.0)], enforce_sorted=False)
    ),
    "pack_sequence unsorted": lambda t: t.nn.utils.rnn.pack_sequence([t.arange(2.0), t.arange(3.0)]),
    "ParametrizationList": lambda t: parametrized(t),
    "cached": lambda t: cached(t),
    "transfer_parametrizations_and_params": lambda t: transferred(t),
    "type_before_parametrizations": lambda t: t.nn.utils.parametrize.type_before_parametrizations(doubled(t)),
    "stateless": lambda t: t.nn.utils.stateless.functional_call(linear(t, 2, 1), {"0.bias": t.ones(1)}, t.ones(1, 2)),
}


def doubled(t: Any) -> Any:
    class Twice(t.nn.Module):
        def forward(self, x):
            return 2 * x

        def right_inverse(self, x):
            return x / 2

    layer = linear(t, 2, 3)[0]
    t.nn.utils.parametrize.register_parametrization(layer, "weight", Twice())
    return layer


def parametrized(t: Any) -> Any:
    layer = doubled(t)
    parts = layer.parametrizations.weight
    seen = [repr(layer), type(parts).__name__, len(parts), parts.original, parts(), list(layer.state_dict())]
    seen += [t.nn.utils.parametrize.is_parametrized(layer), t.nn.utils.parametrize.is_parametrized(layer, "bias")]
    with t.no_grad():
        layer.weight = t.ones(3, 2)
    t.nn.utils.parametrize.remove_parametrizations(layer, "weight")
    return [*seen, layer.weight, list(layer.state_dict()), type(layer)]


def cached(t: Any) -> Any:
    layer = doubled(t)
    with t.nn.utils.parametrize.cached():
        same = layer.weight is layer.weight
    return same, layer.weight is layer.weight


def transferred(t: Any) -> Any:
    to = t.nn.Linear(2, 3)
    t.nn.utils.parametrize.transfer_parametrizations_and_params(doubled(t), to)
    return to.weight, t.nn.utils.parametrize.is_parametrized(to, "weight"), list(to.state_dict())


def pruned(t: Any, how: Callable[[Any, Any], Any]) -> Any:
    layer = linear(t, 3, 4)[0]
    how(t.nn.utils.prune, layer)
    return layer.weight_mask.sum(), tuple(layer.weight.shape), list(layer.state_dict()), (layer.weight_mask == 0).sum()


PRUNING: Calls = {
    "custom_from_mask": lambda t: pruned(
        t, lambda p, m: p.custom_from_mask(m, "weight", mask=(t.arange(12) % 3 > 0).reshape(4, 3).float())
    ),
    "CustomFromMask": lambda t: pruned(t, lambda p, m: p.CustomFromMask.apply(m, "weight", t.eye(4)[:, :3])),
    "random_structured": lambda t: pruned(t, lambda p, m: p.random_structured(m, "weight", amount=2, dim=0)),
    "RandomStructured": lambda t: pruned(t, lambda p, m: p.RandomStructured.apply(m, "weight", 0.5, 1)),
    "random_unstructured": lambda t: pruned(t, lambda p, m: p.random_unstructured(m, "weight", amount=5)),
    "RandomUnstructured": lambda t: pruned(t, lambda p, m: p.RandomUnstructured.apply(m, "weight", 0.25)),
    "LnStructured": lambda t: pruned(t, lambda p, m: p.LnStructured.apply(m, "weight", 1, 2, 0)),
    "L1Unstructured": lambda t: t.nn.utils.prune.L1Unstructured(amount=3).prune(wave(t, 3, 4)),
    "BasePruningMethod": lambda t: own_method(t),
    "PruningContainer": lambda t: contained(t),
    "an amount below 0": lambda t: t.nn.utils.prune.RandomUnstructured(-1),
    "an amount that is too large": lambda t: t.nn.utils.prune.random_unstructured(linear(t, 3, 4)[0], "weight", 99),
}


def own_method(t: Any) -> Any:
    class Every(t.nn.utils.prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    layer = linear(t, 3, 4)[0]
    Every.apply(layer, "weight")
    first = layer.weight, layer.weight_orig, t.nn.utils.prune.is_pruned(layer)
    t.nn.utils.prune.remove(layer, "weight")
    return first, layer.weight, list(layer.state_dict()), t.nn.utils.prune.is_pruned(layer)


def contained(t: Any) -> Any:
    layer = linear(t, 3, 4)[0]
    t.nn.utils.prune.l1_unstructured(layer, "weight", 3)
    t.nn.utils.prune.ln_structured(layer, "weight", 1, n=2, dim=0)
    hooks = list(layer._forward_pre_hooks.values())
    return [type(h).__name__ for h in hooks], len(hooks[0]), [type(m).__name__ for m in hooks[0]], layer.weight


@pytest.mark.parametrize("name", NN_UTILS)
def test_nn_utils(name):
    assert_same(NN_UTILS[name])


@pytest.mark.parametrize("name", PRUNING)
def test_pruning(name):
    assert_same(PRUNING[name])
