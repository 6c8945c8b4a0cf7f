"""Layers, functions and initialisers of ``torch.nn`` beside the module database, against PyTorch's: one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="compares with PyTorch")

from tests.parity.calls import assert_same, wave

Calls = dict[str, Callable[[Any], Any]]


def filled(t: Any, module: Any) -> Any:
    """The module with weights that both libraries have."""
    with t.no_grad():
        for p in module.parameters():
            p.copy_(wave(t, *p.shape) * 0.5)
    return module


def scaled(t: Any, scale: Any, recipe: str, other: str | None = None, dtype: Any = None) -> Any:
    """The scaled product of 24 x 32 and 32 x 24 eighths, which both libraries sum without rounding."""
    x = ((wave(t, 24, 32) * 16).round() / 8).to(dtype or t.float8_e4m3fn)
    kinds = t.nn.functional.ScalingType
    of_a, of_b = getattr(kinds, recipe), getattr(kinds, other or recipe)
    across = scale if scale.ndim == 0 else scale.reshape(1, -1)
    return [
        t.nn.functional.scaled_mm(x, x.t(), scale, of_a, across, of_b, bias=bias, output_dtype=out)
        for bias, out in ((None, t.bfloat16), (wave(t, 24), t.float32), (None, t.float16))
    ]


def learned(t: Any, module: Any, *inputs: Any) -> Any:
    """Its text, its result, and the gradients of the first input and of its parameters."""
    first = inputs[0].clone().requires_grad_()
    out = filled(t, module)(first, *inputs[1:])
    out = out if isinstance(out, t.Tensor) else out[0]
    (out * wave(t, *out.shape)).sum().backward()
    return repr(module), out, first.grad, [p.grad for p in module.parameters()], list(module.state_dict())


LAYERS: Calls = {
    "AdaptiveLogSoftmaxWithLoss": lambda t: adaptive(t),
    "AlphaDropout": lambda t: still(t, t.nn.AlphaDropout(0.3)),
    "FeatureAlphaDropout": lambda t: still(t, t.nn.FeatureAlphaDropout(0.3)),
    "Dropout1d": lambda t: still(t, t.nn.Dropout1d(0.3), 2, 3, 2),
    "Dropout3d": lambda t: still(t, t.nn.Dropout3d(0.3)),
    "RReLU": lambda t: still(t, t.nn.RReLU(0.1, 0.3)),
    "RReLU of one slope": lambda t: learned(t, t.nn.RReLU(0.2, 0.2), wave(t, 2, 3)),
    "ChannelShuffle": lambda t: learned(t, t.nn.ChannelShuffle(2), wave(t, 1, 4, 2, 2)),
    "PixelUnshuffle": lambda t: learned(t, t.nn.PixelUnshuffle(2), wave(t, 1, 1, 4, 4)),
    "CosineSimilarity": lambda t: learned(t, t.nn.CosineSimilarity(dim=1, eps=1e-6), wave(t, 2, 3), wave(t, 2, 3) + 1),
    "PairwiseDistance": lambda t: learned(t, t.nn.PairwiseDistance(p=1.5), wave(t, 2, 3), wave(t, 2, 3) + 1),
    # PyTorch's gradient of it is not the slope of its values
    "CrossMapLRN2d": lambda t: (lambda m: [repr(m), m(wave(t, 1, 2, 2, 2))])(t.nn.CrossMapLRN2d(3, alpha=0.5)),
    "Fold": lambda t: learned(t, t.nn.Fold((3, 4), (2, 2)), wave(t, 1, 4, 6)),
    "Unfold": lambda t: learned(t, t.nn.Unfold((2, 2), stride=2), wave(t, 1, 2, 4, 4)),
    "Hardsigmoid": lambda t: learned(t, t.nn.Hardsigmoid(), wave(t, 2, 3) * 4),
    "Unflatten": lambda t: learned(t, t.nn.Unflatten(1, (2, 3)), wave(t, 2, 6)),
    "NLLLoss2d": lambda t: learned(t, t.nn.NLLLoss2d(), wave(t, 1, 3, 2, 2), t.tensor([[[0, 1], [2, 0]]])),
    "TripletMarginWithDistanceLoss": lambda t: learned(
        t,
        t.nn.TripletMarginWithDistanceLoss(distance_function=t.nn.PairwiseDistance(), margin=0.5),
        wave(t, 2, 3),
        wave(t, 2, 3) + 1,
        wave(t, 2, 3) * 2,
    ),
    "TransformerDecoder": lambda t: learned(
        t,
        t.nn.TransformerDecoder(t.nn.TransformerDecoderLayer(4, 2, 8, dropout=0.0, batch_first=True), 2).eval(),
        wave(t, 1, 3, 4),
        wave(t, 1, 2, 4),
    ),
    "UpsamplingBilinear2d": lambda t: learned(t, t.nn.UpsamplingBilinear2d(scale_factor=2), wave(t, 1, 1, 2, 3)),
    "UpsamplingNearest2d": lambda t: learned(t, t.nn.UpsamplingNearest2d(size=(3, 5)), wave(t, 1, 1, 2, 3)),
    **{f"MaxUnpool{n}d": lambda t, n=n: unpooled(t, n) for n in (1, 2, 3)},
    "SyncBatchNorm": lambda t: [
        repr(t.nn.SyncBatchNorm(3)),
        repr(t.nn.SyncBatchNorm.convert_sync_batchnorm(t.nn.Sequential(t.nn.BatchNorm2d(2)))),
        t.nn.SyncBatchNorm(3).eval()(wave(t, 2, 3, 2)),
    ],
    "RNNBase": lambda t: learned(t, t.nn.RNNBase("LSTM", 3, 2), wave(t, 4, 1, 3)),
    "RNNBase of an unknown mode": lambda t: t.nn.RNNBase("RELU", 3, 2),
    "RNNCellBase": lambda t: (lambda c: [repr(c), [tuple(p.shape) for p in c.parameters()]])(
        t.nn.RNNCellBase(3, 2, True, 4)
    ),
    "Container": lambda t: repr(t.nn.Container(a=t.nn.ReLU(), b=t.nn.Linear(2, 3))),
    "ParameterList": lambda t: listed(t),
    "ParameterDict": lambda t: by_name(t),
    "Buffer": lambda t: buffered(t),
    "UninitializedParameter": lambda t: uninitialized(t, t.nn.UninitializedParameter),
    "UninitializedBuffer": lambda t: uninitialized(t, t.nn.UninitializedBuffer),
    "UninitializedTensorMixin": lambda t: issubclass(
        t.nn.parameter.UninitializedParameter, t.nn.parameter.UninitializedTensorMixin
    ),
}


def still(t: Any, module: Any, *shape: int) -> Any:
    """What an evaluated random layer gives, its text, and the shape that training gives."""
    shape = shape or (2, 3, 2, 2)
    return repr(module), module.eval()(wave(t, *shape)), tuple(module.train()(t.ones(*shape)).shape)


def adaptive(t: Any) -> Any:
    layer = filled(t, t.nn.AdaptiveLogSoftmaxWithLoss(4, 10, [2, 5], div_value=2.0, head_bias=True))
    x, y = wave(t, 3, 4).requires_grad_(), t.tensor([0, 3, 8])
    out, loss = layer(x, y)
    loss.backward()
    return repr(layer), out, loss, layer.log_prob(x), layer.predict(x), x.grad, [p.grad for p in layer.parameters()]


def unpooled(t: Any, n: int) -> Any:
    pool = getattr(t.nn, f"MaxPool{n}d")(2, return_indices=True)
    x = wave(t, 1, 2, *([4] * n)).requires_grad_()
    values, places = pool(x)
    layer = getattr(t.nn, f"MaxUnpool{n}d")(2)
    out = layer(values, places)
    out.sum().backward()
    return repr(layer), out, x.grad, layer(values, places, output_size=(1, 2, *([5] * n)))


def listed(t: Any) -> Any:
    p = t.nn.ParameterList([t.ones(2), t.nn.Parameter(t.zeros(1))])
    p.append(t.ones(3)).extend([t.ones(1)])
    p[1] = t.full((2,), 7.0)
    return repr(p), len(p), [tuple(q.shape) for q in p], p[-1], list(p.state_dict()), repr(p[1:3]), p[1].requires_grad


def by_name(t: Any) -> Any:
    p = t.nn.ParameterDict({"b": t.ones(2), "a": t.nn.Parameter(t.zeros(1))})
    p["c"] = t.ones(3)
    p.update({"d": t.ones(1)})
    removed = p.pop("b")
    return repr(p), list(p.keys()), "a" in p, removed, p.get("zz"), list(p.copy()), p.setdefault("e"), list(p | p)


def buffered(t: Any) -> Any:
    module = t.nn.Module()
    module.kept, module.dropped = t.nn.Buffer(t.ones(2)), t.nn.Buffer(t.zeros(1), persistent=False)
    return list(module.state_dict()), [n for n, _ in module.named_buffers()], isinstance(module.kept, t.nn.Buffer)


def uninitialized(t: Any, kind: Any) -> Any:
    value = kind()
    seen = [repr(value), t.nn.parameter.is_lazy(value)]
    try:
        seen.append(value + 1)
    except Exception as error:
        seen.append(type(error).__name__)
    value.materialize((2, 3))
    return seen, tuple(value.shape), t.nn.parameter.is_lazy(value), value.requires_grad


FUNCTIONS: Calls = {
    **{
        f"{name}": lambda t, name=name, args=args: (lambda x, f: [f(x, *args), x, f(x, *args) is x])(
            wave(t, 2, 3), getattr(t.nn.functional, name)
        )
        for name, args in {
            "celu_": (0.5,),
            "elu_": (0.7,),
            "hardtanh_": (-0.2, 0.4),
            "leaky_relu_": (0.2,),
            "relu_": (),
            "rrelu_": (0.3, 0.3, True),
            "selu_": (),
            "threshold_": (0.1, -2.0),
        }.items()
    },
    **{
        f"adaptive_max_pool{n}d_with_indices": lambda t, n=n: getattr(
            t.nn.functional, f"adaptive_max_pool{n}d_with_indices"
        )(wave(t, 1, 2, *([5] * n)), 2)
        for n in (1, 2, 3)
    },
    **{
        f"max_pool{n}d_with_indices": lambda t, n=n: getattr(t.nn.functional, f"max_pool{n}d_with_indices")(
            wave(t, 1, 2, *([5] * n)), 2, 2, 1
        )
        for n in (1, 2, 3)
    },
    **{
        f"fractional_max_pool{n}d_with_indices": lambda t, n=n: getattr(
            t.nn.functional, f"fractional_max_pool{n}d_with_indices"
        )(wave(t, 1, 2, *([5] * n)), 2, 3, _random_samples=t.full((1, 2, n), 0.4))
        for n in (2, 3)
    },
    "lp_pool3d": lambda t: t.nn.functional.lp_pool3d(wave(t, 1, 2, 4, 4, 4).abs(), 2.0, 2, 1),
    "conv_tbc": lambda t: t.nn.functional.conv_tbc(wave(t, 5, 2, 3), wave(t, 2, 3, 4), wave(t, 4)),
    "native_channel_shuffle": lambda t: t.nn.functional.native_channel_shuffle(wave(t, 1, 4, 2), 2),
    "dropout1d": lambda t: [
        t.nn.functional.dropout1d(wave(t, 1, 2, 3), 0.0),
        t.nn.functional.dropout1d(wave(t, 1, 2, 3), 0.5, training=False),
        t.nn.functional.dropout1d(t.ones(400, 2), 0.5).flatten().unique(),
    ],
    "dropout1d of four dimensions": lambda t: t.nn.functional.dropout1d(wave(t, 1, 2, 3, 4)),
    "scaled_mm": lambda t: scaled(t, t.tensor(0.3), "TensorWise"),
    "scaled_mm of rows": lambda t: scaled(t, wave(t, 24, 1), "RowWise"),
    "scaled_mm of wrong rows": lambda t: scaled(t, wave(t, 23, 1), "RowWise"),
    "scaled_mm of both": lambda t: scaled(t, t.tensor(0.3), "TensorWise", "RowWise"),
    "scaled_mm of float32": lambda t: scaled(t, t.tensor(0.3), "TensorWise", dtype=t.float32),
    "grouped_mm": lambda t: t.nn.functional.grouped_mm(wave(t, 2, 16, 16).bfloat16(), wave(t, 2, 16, 16).bfloat16()),
    "gumbel_softmax": lambda t: gumbel(t),
    "upsample": lambda t: [
        t.nn.functional.upsample(wave(t, 1, 1, 2, 3), scale_factor=2),
        t.nn.functional.upsample(wave(t, 1, 1, 2, 3), (3, 4), mode="bilinear", align_corners=True),
    ],
    "assert_int_or_pair": lambda t: [
        t.nn.functional.assert_int_or_pair([1, 2], "kernel", "bad"),
        t.nn.functional.assert_int_or_pair(3, "kernel", "bad"),
    ],
    "assert_int_or_pair of three": lambda t: t.nn.functional.assert_int_or_pair([1, 2, 3], "kernel", "bad {}"),
    "boolean_dispatch": lambda t: [
        t.nn.functional.boolean_dispatch(
            "flag", 1, False, lambda x, flag=None: "yes", lambda x, flag=None: "no", "m", "f"
        )(*a)
        for a in ((0, True), (0, False), (0,))
    ],
    "has_torch_function": lambda t: [
        t.nn.functional.has_torch_function((t.ones(1), 3)),
        t.nn.functional.has_torch_function_unary(t.ones(1)),
        t.nn.functional.has_torch_function_variadic(t.ones(1), 2),
        t.nn.functional.has_torch_function((Like(),)),
        t.nn.functional.has_torch_function_unary(Like()),
        t.nn.functional.has_torch_function_variadic(1, Like()),
    ],
    "handle_torch_function": lambda t: t.nn.functional.handle_torch_function(len, (Like(),), Like(), k=2),
    "grid modes": lambda t: [
        dict(t.nn.functional.GRID_SAMPLE_INTERPOLATION_MODES),
        dict(t.nn.functional.GRID_SAMPLE_PADDING_MODES),
    ],
    "sdpa_kernel": lambda t: kernels(t),
}


class Like:
    """What answers to the functions of either library."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func.__name__, len(args), kwargs


def gumbel(t: Any) -> Any:
    x = wave(t, 500, 3).requires_grad_()
    hard = t.nn.functional.gumbel_softmax(x, tau=0.5, hard=True)
    soft = t.nn.functional.gumbel_softmax(x, dim=0)
    hard.sum().backward()
    return hard.detach().unique(), hard.sum(1), soft.sum(0), tuple(x.grad.shape), soft.requires_grad


def kernels(t: Any) -> Any:
    attention = t.nn.attention
    q = wave(t, 1, 2, 3, 4)
    plain = t.nn.functional.scaled_dot_product_attention(q, q, q)
    with attention.sdpa_kernel([attention.SDPBackend.MATH]):
        inside = t.nn.functional.scaled_dot_product_attention(q, q, q)
    return (
        plain,
        inside,
        attention.SDPBackend.MATH.name,
        [b.name for b in list(attention.SDPBackend.__members__.values())][:3],
    )


INITIALISERS: Calls = {
    "dirac_": lambda t: [t.nn.init.dirac_(t.ones(4, 2, 3)), t.nn.init.dirac_(t.ones(4, 2, 3, 3), groups=2)],
    "dirac_ of a matrix": lambda t: t.nn.init.dirac_(t.ones(4, 2)),
    "dirac": lambda t: t.nn.init.dirac(t.ones(2, 2, 3)),
    "eye_": lambda t: [t.nn.init.eye_(t.ones(2, 3)), t.nn.init.constant_(t.ones(2), 3.0)],
    "eye_ of a vector": lambda t: t.nn.init.eye_(t.ones(2)),
    "sparse_": lambda t: (t.nn.init.sparse_(t.ones(10, 4), 0.3) == 0).sum(0),
    "sparse_ of a vector": lambda t: t.nn.init.sparse_(t.ones(10), 0.3),
    **{
        name: lambda t, name=name: spread(t, getattr(t.nn.init, name)(t.ones(200, 300)))
        for name in (
            *("kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform"),
            *("kaiming_normal_", "kaiming_uniform_", "xavier_normal_", "xavier_uniform_"),
        )
    },
    "kaiming_uniform_ of a vector": lambda t: t.nn.init.kaiming_uniform_(t.ones(3)),
    "kaiming_uniform_ of a wrong mode": lambda t: t.nn.init.kaiming_uniform_(t.ones(3, 2), mode="fan"),
    "xavier_normal_ of a vector": lambda t: t.nn.init.xavier_normal_(t.ones(3)),
}


def spread(t: Any, x: Any) -> Any:
    """How wide the values lie, to the precision of 60,000 draws."""
    return round(float(x.std()), 2), abs(float(x.mean())) < 2e-3, float(x.abs().max()) > 4 * float(x.std()), x.dtype


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    assert_same(LAYERS[name])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    assert_same(FUNCTIONS[name])


@pytest.mark.parametrize("name", INITIALISERS)
def test_initialisers(name):
    assert_same(INITIALISERS[name])
