"""Flax modules on fxtorch, fxtorch Modules in Flax, and parameters translated both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flax.linen as linen
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import fxtorch as torch
import fxtorch.nn.functional as F
from fxtorch import nn
from fxtorch.interop.flax import FromLinen, FromNNX, ToNNX, from_flax, init_and_apply, to_flax
from tests.cases.run import assert_close, to_numpy

X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


class Net(linen.Module):
    """Dense, batch norm, dropout."""

    @linen.compact
    def __call__(self, x: Any, train: bool = False) -> Any:
        x = linen.Dense(5)(x)
        x = linen.BatchNorm(use_running_average=not train)(x)
        x = linen.Dropout(0.5, deterministic=not train)(x)
        return {"logits": linen.Dense(2)(x), "size": x.shape[0]}


def linen_net() -> FromLinen:
    torch.manual_seed(0)
    return FromLinen(Net(), torch.ones(4, 3))


def test_a_linen_module_has_its_variables_as_parameters_and_buffers() -> None:
    net = linen_net()
    assert {n for n, _ in net.named_parameters()} == {
        f"variables.params.{layer}.{name}"
        for layer, names in (
            ("Dense_0", ("kernel", "bias")),
            ("BatchNorm_0", ("scale", "bias")),
            ("Dense_1", ("kernel", "bias")),
        )
        for name in names
    }
    assert [n for n, _ in net.named_buffers()] == [
        "variables.batch_stats.BatchNorm_0.mean",
        "variables.batch_stats.BatchNorm_0.var",
    ]


def test_gradients_of_a_linen_module_are_jaxs() -> None:
    net = linen_net().eval()
    out = net(torch.from_numpy(X))
    assert out["size"] == 4
    out["logits"].square().sum().backward()
    variables = net.linen_variables()

    def loss(params: Any) -> Any:
        return (Net().apply({**variables, "params": params}, X)["logits"] ** 2).sum()  # type: ignore[index]

    wanted = jax.grad(loss)(variables["params"])
    for name, p in net.variables.get_submodule("params").named_parameters():
        layer, leaf = name.split(".")
        assert_close(to_numpy(p.grad), np.asarray(wanted[layer][leaf]))


def test_batch_statistics_move_and_dropout_draws_while_training() -> None:
    net = linen_net()
    before = net.state_dict()["variables.batch_stats.BatchNorm_0.mean"].clone()
    first, second = (net(torch.from_numpy(X), train=True)["logits"] for _ in range(2))
    assert not torch.equal(net.state_dict()["variables.batch_stats.BatchNorm_0.mean"], before)
    assert not torch.equal(first, second)
    net.eval()
    kept = net.state_dict()["variables.batch_stats.BatchNorm_0.mean"].clone()
    assert torch.equal(net(torch.from_numpy(X))["logits"], net(torch.from_numpy(X))["logits"])
    assert torch.equal(net.state_dict()["variables.batch_stats.BatchNorm_0.mean"], kept)


def step_of(net: nn.Module, read: Callable[[Any], Any], **kwargs: Any) -> Callable[[], Any]:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.from_numpy(X), torch.tensor([0, 1, 0, 1])

    def step() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(read(net(x, **kwargs)), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.parametrize("compiled", [False, True])
def test_a_linen_module_trains_in_eager_and_in_compiled_steps(compiled: bool) -> None:
    net = linen_net()
    state = {n: v.clone() for n, v in net.state_dict().items()}
    step = step_of(net, lambda out: out["logits"], train=True)
    run = torch.jit(step, fullgraph=True) if compiled else step
    torch.manual_seed(3)
    losses = [run().item() for _ in range(2)]
    other = linen_net()
    other.load_state_dict(state)
    torch.manual_seed(3)
    again = step_of(other, lambda out: out["logits"], train=True)
    np.testing.assert_allclose(losses, [again().item() for _ in range(2)], rtol=1e-5)
    for name, value in other.state_dict().items():
        np.testing.assert_allclose(to_numpy(net.state_dict()[name]), to_numpy(value), rtol=1e-5, atol=1e-6)


class Block(nnx.Module):
    """Linear, batch norm, dropout."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List([nnx.Linear(3, 5, rngs=rngs), nnx.Linear(5, 2, rngs=rngs)])
        self.norm = nnx.BatchNorm(5, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.layers[1](self.dropout(self.norm(self.layers[0](x))))


def test_an_nnx_module_gives_its_own_results_and_gradients() -> None:
    module = Block(nnx.Rngs(0))
    net = FromNNX(module).eval()
    module.eval()
    out = net(torch.from_numpy(X))
    assert_close(to_numpy(out), np.asarray(module(X)))
    out.square().sum().backward()
    grads = nnx.grad(lambda m: (m(X) ** 2).sum())(module)
    assert_close(
        to_numpy(net.variables.get_parameter("layers.0.kernel").grad), np.asarray(grads["layers"][0]["kernel"])
    )


def test_an_nnx_module_trains_in_a_compiled_step_as_in_an_eager_one() -> None:
    nets = [FromNNX(Block(nnx.Rngs(0))) for _ in range(2)]
    eager, compiled = (step_of(net, lambda out: out) for net in nets)
    fast = torch.jit(compiled, fullgraph=True)
    first = [eager().item() for _ in range(3)]
    np.testing.assert_allclose([fast().item() for _ in range(3)], first, rtol=1e-5)
    mean = nets[1].variables.get_buffer("norm.mean")
    assert mean.abs().sum().item() > 0
    assert nets[1].variables.get_buffer("dropout.rngs.count").item() == 3
    assert len(set(first)) == 3


def test_the_nnx_module_of_a_trained_one_computes_the_same() -> None:
    net = FromNNX(Block(nnx.Rngs(0)))
    step_of(net, lambda out: out)()
    net.eval()
    module: Any = net.nnx_module()
    assert_close(np.asarray(module(X)), to_numpy(net(torch.from_numpy(X))))


def torch_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 2))


def test_an_fxtorch_module_inside_nnx_has_jaxs_gradients_and_moves_its_buffers() -> None:
    module = torch_net()
    inside = ToNNX(module, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(inside, optax.sgd(0.1), wrt=nnx.Param)

    @nnx.jit
    def step(m: Any, o: Any) -> Any:
        loss, grads = nnx.value_and_grad(lambda m: (m(X) ** 2).mean())(m)
        o.update(m, grads)
        return loss

    losses = [float(step(inside, optimizer)) for _ in range(3)]
    assert len(set(losses)) == 3
    assert float(jnp.abs(inside.buffers["1.running_mean"].get_value()).sum()) > 0
    inside.eval()
    expected = inside(X)
    assert_close(to_numpy(inside.torch_module().eval()(torch.from_numpy(X))), np.asarray(expected))


def test_init_and_apply_are_pure_and_draw_from_their_key() -> None:
    module = torch_net()
    init, apply = init_and_apply(module)
    state = {n: v.clone() for n, v in module.state_dict().items()}
    own, drawn = init(), init(jax.random.key(1))
    assert_close(np.asarray(own["params"]["0.weight"]), to_numpy(state["0.weight"]))
    assert not np.allclose(own["params"]["0.weight"], drawn["params"]["0.weight"])
    run = jax.jit(lambda v, key: apply(v, X, key=key, train=True, mutable=True))
    (a, moved), (b, _) = (run(own, jax.random.key(k)) for k in (0, 1))
    assert not np.allclose(a, b)
    assert float(jnp.abs(moved["1.running_mean"]).sum()) > 0
    assert all(torch.equal(v, state[n]) for n, v in module.state_dict().items())
    grads = jax.grad(lambda v: (apply(v, X) ** 2).sum(), allow_int=True)(own)
    out = module.eval()(torch.from_numpy(X)).square().sum()
    out.backward()
    assert_close(np.asarray(grads["params"]["3.weight"]), to_numpy(module.get_parameter("3.weight").grad))


def test_buffers_that_a_compiled_function_closes_over_may_move_in_it() -> None:
    module = torch_net()
    init, apply = init_and_apply(module)
    own = init()
    call = lambda params: apply({**own, "params": params}, X, key=jax.random.key(0), train=True, mutable=True)  # noqa: E731
    (out, moved), (expected, expected_moved) = jax.jit(call)(own["params"]), call(own["params"])
    assert_close(np.asarray(out), np.asarray(expected))
    assert_close(np.asarray(moved["1.running_mean"]), np.asarray(expected_moved["1.running_mean"]))
    assert float(jnp.abs(own["buffers"]["1.running_mean"]).sum()) == 0


def channels_last(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(x, 1, -1)


def randomized(module: nn.Module) -> nn.Module:
    draw = np.random.default_rng(5)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                noise = draw.standard_normal(value.shape).astype(np.float32) * 0.5
                value.copy_(torch.from_numpy(np.abs(noise) + 0.5 if name.endswith("var") else noise))
    return module.eval()


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


HEADS = linen.MultiHeadDotProductAttention(num_heads=2, qkv_features=6, out_features=6)
LAYERS: list[tuple[Callable[[], nn.Module], linen.Module, np.ndarray, Any]] = [
    (lambda: nn.Linear(3, 2), linen.Dense(2), X, None),
    (lambda: nn.Linear(3, 2, bias=False), linen.Dense(2, use_bias=False), X, None),
    (
        lambda: nn.Conv1d(4, 6, 3, groups=2),
        linen.Conv(6, (3,), padding="VALID", feature_group_count=2),
        image(2, 4, 7),
        1,
    ),
    (lambda: nn.Conv2d(3, 4, (2, 3), 2), linen.Conv(4, (2, 3), strides=2, padding="VALID"), image(2, 3, 6, 7), 1),
    (
        lambda: nn.ConvTranspose2d(3, 4, (2, 3), 2),
        linen.ConvTranspose(4, (2, 3), strides=(2, 2), padding="VALID"),
        image(2, 3, 4, 5),
        1,
    ),
    (lambda: nn.BatchNorm2d(3), linen.BatchNorm(use_running_average=True), image(2, 3, 4, 5), 1),
    (lambda: nn.LayerNorm(3, eps=1e-6), linen.LayerNorm(), X, None),
    (lambda: nn.GroupNorm(2, 4, eps=1e-6), linen.GroupNorm(num_groups=2), image(2, 4, 3, 3), 1),
    (lambda: nn.RMSNorm(3, eps=1e-6), linen.RMSNorm(), X, None),
    (lambda: nn.Embedding(5, 3), linen.Embed(5, 3), np.array([[1, 4], [0, 2]]), None),
]


@pytest.mark.parametrize(
    ("make", "flax", "x", "channels"), LAYERS, ids=[type(r[1]).__name__ + str(i) for i, r in enumerate(LAYERS)]
)
def test_layers_and_their_flax_form_compute_the_same(make: Any, flax: linen.Module, x: Any, channels: Any) -> None:
    module = randomized(make())
    variables = to_flax(module)
    wanted = to_numpy(module(torch.from_numpy(x)))
    out = np.asarray(flax.apply(variables, channels_last(x) if channels else x))
    np.testing.assert_allclose(np.moveaxis(out, -1, 1) if channels else out, wanted, rtol=1e-5, atol=1e-5)
    other = from_flax(make(), variables).eval()
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(other.state_dict()[name], value), name


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_recurrent_layers_and_their_flax_cells_compute_the_same(kind: str) -> None:
    module = randomized(getattr(nn, kind)(3, 4, batch_first=True))
    x = image(2, 5, 3)
    cell = linen.OptimizedLSTMCell(4) if kind == "LSTM" else linen.GRUCell(4)
    wanted = module(torch.from_numpy(x))[0]
    out = linen.RNN(cell).apply({"params": {"cell": to_flax(module)["params"]}}, x)
    np.testing.assert_allclose(np.asarray(out), to_numpy(wanted), rtol=1e-5, atol=1e-5)
    other = from_flax(getattr(nn, kind)(3, 4, batch_first=True), to_flax(module))
    np.testing.assert_allclose(to_numpy(other(torch.from_numpy(x))[0]), to_numpy(wanted), rtol=1e-5, atol=1e-5)


def test_attention_and_its_flax_form_compute_the_same() -> None:
    module = randomized(nn.MultiheadAttention(6, 2, batch_first=True))
    q, k = image(2, 3, 6), image(2, 4, 6)
    wanted = module(torch.from_numpy(q), torch.from_numpy(k), torch.from_numpy(k))[0]
    np.testing.assert_allclose(
        np.asarray(HEADS.apply(to_flax(module), q, k, k)), to_numpy(wanted), rtol=1e-5, atol=1e-5
    )
    other = from_flax(nn.MultiheadAttention(6, 2, batch_first=True), to_flax(module))
    assert all(torch.equal(other.state_dict()[n], v) for n, v in module.state_dict().items())


NNX_LAYERS: list[tuple[Callable[[nnx.Rngs], Any], Callable[[], nn.Module], np.ndarray, bool]] = [
    (lambda r: nnx.Linear(3, 2, rngs=r), lambda: nn.Linear(3, 2), X, False),
    (lambda r: nnx.Conv(3, 4, (3, 3), padding="VALID", rngs=r), lambda: nn.Conv2d(3, 4, 3), image(2, 3, 5, 5), True),
    (lambda r: nnx.BatchNorm(3, rngs=r), lambda: nn.BatchNorm1d(3), X, False),
    (lambda r: nnx.LayerNorm(3, rngs=r), lambda: nn.LayerNorm(3, eps=1e-6), X, False),
    (lambda r: nnx.Embed(5, 3, rngs=r), lambda: nn.Embedding(5, 3), np.array([[1, 4], [0, 2]]), False),
    (lambda r: nnx.LSTMCell(3, 4, rngs=r), lambda: nn.LSTM(3, 4, batch_first=True), image(2, 5, 3), False),
    (lambda r: nnx.OptimizedLSTMCell(3, 4, rngs=r), lambda: nn.LSTM(3, 4, batch_first=True), image(2, 5, 3), False),
    (lambda r: nnx.GRUCell(3, 4, rngs=r), lambda: nn.GRU(3, 4, batch_first=True), image(2, 5, 3), False),
]


@pytest.mark.parametrize(("make", "torchs", "x", "channels"), NNX_LAYERS)
def test_parameters_of_nnx_layers_are_taken_over(make: Any, torchs: Any, x: Any, channels: bool) -> None:
    layer = make(nnx.Rngs(0))
    draw = np.random.default_rng(3)
    nnx.update(
        layer, jax.tree.map(lambda v: draw.uniform(0.2, 1, v.shape).astype(np.float32), nnx.state(layer, nnx.Param))
    )
    variables = {
        "params": nnx.to_pure_dict(nnx.state(layer, nnx.Param)),
        "batch_stats": nnx.to_pure_dict(nnx.state(layer, nnx.BatchStat)),
    }
    layer.eval()
    run: Any = nnx.RNN(layer) if isinstance(layer, nnx.RNNCellBase) else layer
    wanted = np.asarray(run(channels_last(x) if channels else x))
    got = from_flax(torchs(), variables).eval()(torch.from_numpy(x))
    got = to_numpy(got[0] if isinstance(got, tuple) else got)
    np.testing.assert_allclose(channels_last(got) if channels else got, wanted, rtol=1e-5, atol=1e-5)


def test_what_flax_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(NotImplementedError, match="Bilinear has no counterpart"):
        to_flax(nn.Sequential(nn.Linear(2, 2), nn.Bilinear(2, 2, 2)))
    with pytest.raises(NotImplementedError, match="LSTM with several layers"):
        to_flax(nn.LSTM(2, 2, num_layers=2))
    with pytest.raises(ValueError, match=r"Linear.weight has shape \(2, 3\), Flax's \(2, 4\)"):
        from_flax(nn.Linear(3, 2), {"params": {"kernel": np.ones((4, 2), np.float32), "bias": np.ones(2, np.float32)}})
    with pytest.raises(KeyError, match="bias is not there"):
        from_flax(nn.Linear(3, 2, bias=False), {"params": {"kernel": np.ones((3, 2)), "bias": np.ones(2)}})
