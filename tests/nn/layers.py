"""Layers and inputs to try them on; each is made from ``nn`` alone, so that torch's can be made from the same line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Inputs = list[Any]


@dataclass(frozen=True)
class Layer:
    """One layer to try.

    Attributes:
        text: the constructor, as an expression over ``nn`` and ``T`` (the library).
        inputs: shapes of float inputs that want a gradient, or arrays, which do not.
        random: whether training mode draws random numbers, so that only evaluation mode can be compared.
    """

    text: str
    inputs: tuple[Any, ...]
    random: bool = False

    def make(self, library: Any) -> Any:
        """The layer, of fxtorch or of torch."""
        return eval(self.text, {"nn": library.nn, "T": library})

    def arrays(self) -> list[np.ndarray]:
        """The inputs, the same at every call."""
        rng = np.random.default_rng(len(self.text))
        return [
            rng.standard_normal(i).astype("float32") if isinstance(i, tuple) else np.asarray(i) for i in self.inputs
        ]

    def __str__(self) -> str:
        return self.text


def ints(high: int, *shape: int) -> np.ndarray:
    """Indexes below ``high``."""
    return np.random.default_rng(high).integers(0, high, shape)


def uniform(*shape: int) -> np.ndarray:
    """Floats between 0.05 and 0.95."""
    return np.random.default_rng(3).uniform(0.05, 0.95, shape).astype("float32")


def softmax(*shape: int) -> np.ndarray:
    """Probabilities along the last dimension."""
    made = uniform(*shape)
    return made / made.sum(-1, keepdims=True)


def signs(*shape: int) -> np.ndarray:
    """1 and -1."""
    return np.random.default_rng(4).choice([-1.0, 1.0], shape).astype("float32")


def _layers(inputs: tuple[Any, ...], *texts: str, random: bool = False) -> list[Layer]:
    return [Layer(f"nn.{text}", inputs, random) for text in texts]


LAYERS: list[Layer] = [
    *_layers(((3, 4),), "Identity()", "Linear(4, 5)", "Linear(4, 5, bias=False)", "Flatten(0)", "LayerNorm(4)"),
    *_layers(((3, 4), (3, 5)), "Bilinear(4, 5, 2)"),
    *_layers(((2, 4, 9),), "Conv1d(4, 6, 3)", "Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2)"),
    *_layers(((2, 4, 9),), "Conv1d(4, 6, 4, padding='same')", "Conv1d(4, 6, 3, padding=1, padding_mode='circular')"),
    *_layers(((2, 4, 7, 6),), "Conv2d(4, 6, 3)", "Conv2d(4, 8, (3, 2), (2, 1), (1, 0), groups=4, bias=False)"),
    *_layers(((4, 7, 6),), "Conv2d(4, 6, 3, padding='valid')", "Conv2d(4, 6, 3, padding=1, padding_mode='reflect')"),
    *_layers(((1, 2, 5, 6, 5),), "Conv3d(2, 3, 3, padding=1)", "ConvTranspose3d(2, 3, 2, stride=2)"),
    *_layers(((2, 4, 5),), "ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1)"),
    *_layers(((2, 4, 5, 5),), "ConvTranspose2d(4, 6, 4, 2, 1)", "ConvTranspose2d(4, 6, 3, groups=2, dilation=2)"),
    *_layers(
        ((3, 5),),
        "ReLU()", "ReLU6()", "ELU(1.5)", "CELU(0.7)", "SELU()", "GELU()", "GELU('tanh')", "SiLU()", "Mish()",
        "Sigmoid()", "Tanh()", "Hardsigmoid()", "Hardswish()", "Hardtanh(-0.5, 0.7)", "LeakyReLU(0.2)", "LogSigmoid()",
        "Softplus(2.0, 1.0)", "Softsign()", "Softshrink(0.3)", "Hardshrink(0.3)", "Tanhshrink()", "Threshold(0.1, 2.0)",
        "PReLU()", "PReLU(5)", "Softmax(1)", "LogSoftmax(0)", "Softmin(1)",
    ),
    *_layers(((3, 6),), "GLU()", "BatchNorm1d(6)", "BatchNorm1d(6, affine=False)", "GroupNorm(2, 6)", "RMSNorm(6)"),
    *_layers(((3, 6),), "BatchNorm1d(6, momentum=None)", "BatchNorm1d(6, track_running_stats=False)"),
    *_layers(((3, 5),), "RReLU()", "Dropout(0.3)", "AlphaDropout(0.3)", random=True),
    *_layers(((3, 5, 6, 7),), "BatchNorm2d(5)", "InstanceNorm2d(5)", "InstanceNorm2d(5, affine=True)", "Softmax2d()"),
    *_layers(((3, 5, 6, 7),), "LayerNorm([6, 7], bias=False)", "LayerNorm(7, elementwise_affine=False)"),
    *_layers(((3, 5, 6, 7),), "LocalResponseNorm(3)", "InstanceNorm2d(5, track_running_stats=True)"),
    *_layers(((3, 5, 6),), "BatchNorm1d(5)", "InstanceNorm1d(5)", "GroupNorm(5, 5, affine=False)"),
    *_layers(((2, 3, 4, 5, 6),), "BatchNorm3d(3)", "InstanceNorm3d(3)", "MaxPool3d(2)", "AvgPool3d(2, padding=1)"),
    *_layers(((2, 3, 4, 5),), "Dropout2d(0.3)", "FeatureAlphaDropout(0.2)", random=True),
    *_layers(((2, 3, 4),), "Dropout1d(0.3)", random=True),
    *_layers(((2, 3, 9, 8),), "FractionalMaxPool2d(3, (4, 5), _random_samples=T.full((2, 3, 2), 0.7))"),
    *_layers(((3, 6, 5, 4),), "FractionalMaxPool3d(2, output_ratio=0.5, _random_samples=T.full((1, 3, 3), 0.3))"),
    *_layers(((2, 3, 10),), "MaxPool1d(3, 2)", "AvgPool1d(3, padding=1)", "LPPool1d(2, 3)", "AdaptiveAvgPool1d(4)"),
    *_layers(((2, 3, 10),), "AdaptiveMaxPool1d(4)", "AvgPool1d(3, ceil_mode=True, count_include_pad=False)"),
    *_layers(
        ((2, 3, 8, 7),),
        "MaxPool2d(2)", "MaxPool2d((3, 2), 2, 1)", "MaxPool2d(3, 2, ceil_mode=True)", "AvgPool2d(2)", "LPPool2d(2, 2)",
        "AvgPool2d(3, 2, 1, divisor_override=5)", "AdaptiveAvgPool2d((3, None))", "AdaptiveMaxPool2d(3)",
        "ZeroPad2d(2)", "ConstantPad2d((1, 2, 0, 1), 3.5)", "ReflectionPad2d(2)", "ReplicationPad2d(1)",
        "CircularPad2d((1, 2, 3, 0))", "Unfold(3, padding=1)", "Upsample(scale_factor=2)", "Upsample(size=(5, 9))",
        "Upsample(scale_factor=1.5, mode='bilinear')", "UpsamplingBilinear2d(scale_factor=2)",
        "UpsamplingNearest2d(size=5)", "Flatten()", "Flatten(2)", "Unflatten(1, (3, 1))", "ChannelShuffle(3)",
    ),
    *_layers(((2, 12, 10),), "Fold((4, 6), (2, 2), stride=(2, 1))"),
    *_layers(((2, 3, 6),), "ReflectionPad1d(2)", "ReplicationPad1d((1, 3))", "ConstantPad1d(1, 2.0)", "ZeroPad1d(2)"),
    *_layers(((1, 2, 3, 4, 5),), "ZeroPad3d(1)", "ReflectionPad3d(1)", "ReplicationPad3d(2)", "CircularPad3d(1)"),
    *_layers(((1, 9, 4, 4),), "PixelShuffle(3)", "PixelUnshuffle(2)"),
    *_layers(((3, 5), (3, 5)), "CosineSimilarity()", "PairwiseDistance(keepdim=True)"),
    *_layers((ints(7, 2, 5),), "Embedding(7, 3)", "Embedding(7, 3, padding_idx=-1)", "EmbeddingBag(7, 3, mode='sum')"),
    *_layers((ints(7, 2, 5),), "EmbeddingBag(7, 3)", "EmbeddingBag(7, 3, padding_idx=2, mode='max')"),
    *_layers(
        ((4, 3), (4, 3)),
        "L1Loss()", "MSELoss(reduction='sum')", "SmoothL1Loss(beta=0.5)", "HuberLoss(delta=0.5)",
        "KLDivLoss(log_target=True, reduction='sum')",
    ),
    *_layers(((4, 3), uniform(4, 3)), "BCEWithLogitsLoss()", "PoissonNLLLoss()"),
    *_layers(((4, 3), softmax(4, 3)), "CrossEntropyLoss(label_smoothing=0.1)"),
    *_layers(((4, 3), uniform(4, 3)), "BCEWithLogitsLoss(pos_weight=T.tensor([1.0, 2.0, 3.0]))"),
    *_layers((uniform(4, 3), uniform(4, 3)[::-1].copy()), "BCELoss()", "KLDivLoss(reduction='batchmean')"),
    *_layers(((4, 3), ints(3, 4)), "CrossEntropyLoss()", "MultiMarginLoss()"),
    *_layers(((4, 3), ints(3, 4)), "NLLLoss(weight=T.tensor([1.0, 2.0, 3.0]))"),
    *_layers(((4, 3), signs(4, 3)), "HingeEmbeddingLoss(0.5)", "SoftMarginLoss()"),
    *_layers(((4, 3), (uniform(4, 3) > 0.5).astype("float32")), "MultiLabelSoftMarginLoss()"),
    *_layers(((4, 3), np.array([[0, 2, -1], [1, -1, 0], [2, 1, 0], [-1, 0, 1]])), "MultiLabelMarginLoss()"),
    *_layers(((4, 3), (4, 3), uniform(4, 3)), "GaussianNLLLoss(full=True)"),
    *_layers(((4, 3), (4, 3), signs(4)), "CosineEmbeddingLoss(0.1)"),
    *_layers(((4,), (4,), signs(4)), "MarginRankingLoss(0.1)"),
    *_layers(((4, 3), (4, 3), (4, 3)), "TripletMarginLoss(swap=True)", "TripletMarginWithDistanceLoss()"),
    *_layers((np.log(softmax(5, 2, 4)), ints(3, 2, 3) + 1, np.array([5, 4]), np.array([3, 2])), "CTCLoss()"),
    *_layers(
        ((5, 2, 3),),
        "RNN(3, 4)", "RNN(3, 4, nonlinearity='relu', num_layers=2)", "GRU(3, 4, 2, bidirectional=True)", "LSTM(3, 4)",
        "LSTM(3, 4, 2, bias=False, batch_first=True)", "LSTM(3, 4, 2, bidirectional=True)", "LSTM(3, 4, proj_size=2)",
    ),
    *_layers(((5, 3),), "LSTM(3, 4)", "GRU(3, 4)", "RNNCell(3, 4)", "RNNCell(3, 4, nonlinearity='relu')"),
    *_layers(((5, 3),), "LSTMCell(3, 4)", "GRUCell(3, 4, bias=False)"),
    *_layers(((5, 2, 8),) * 3, "MultiheadAttention(8, 2)", "MultiheadAttention(8, 2, add_bias_kv=True, bias=False)"),
    *_layers(((5, 2, 8), (5, 6, 4), (5, 6, 3)), "MultiheadAttention(8, 2, kdim=4, vdim=3, batch_first=True)"),
    *_layers(((5, 2, 8),) * 3, "MultiheadAttention(8, 4, add_zero_attn=True)"),
    *_layers(((5, 2, 8),), "TransformerEncoderLayer(8, 2, 16, 0.0)"),
    *_layers(((5, 2, 8),), "TransformerEncoderLayer(8, 2, 16, 0.0, 'gelu', norm_first=True, batch_first=True)"),
    *_layers(((5, 2, 8), (4, 2, 8)), "TransformerDecoderLayer(8, 2, 16, 0.0)", "Transformer(8, 2, 2, 2, 16, 0.0)"),
    *_layers(((12, 6), ints(10, 12)), "AdaptiveLogSoftmaxWithLoss(6, 10, [3, 7], 2.0)"),
    *_layers(((3, 4),), "Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))"),
]  # fmt: skip

CONTAINERS: list[Callable[[Any], Any]] = [
    lambda T: T.nn.ModuleList(),
    lambda T: T.nn.ModuleList([T.nn.Linear(2, 2) for _ in range(3)] + [T.nn.ReLU()]),
    lambda T: T.nn.ModuleList([T.nn.Sequential(T.nn.Linear(2, 2)) for _ in range(2)]),
    lambda T: T.nn.ModuleDict({"a": T.nn.ReLU(), "b": T.nn.Sequential()}),
    lambda T: T.nn.ParameterList([T.ones(2, 3), T.ones(1)]),
    lambda T: T.nn.ParameterDict({"x": T.ones(2), "y": T.ones(3, 1)}),
    lambda T: T.nn.Sequential(T.nn.ModuleList([T.nn.ReLU()]), T.nn.Dropout(0.1)),
    lambda T: T.nn.TransformerEncoder(T.nn.TransformerEncoderLayer(4, 1, 4), 2),
    lambda T: T.nn.LazyLinear(3),
    lambda T: T.nn.LazyConv2d(3, 2, bias=False),
    lambda T: T.nn.LazyBatchNorm1d(),
    lambda T: T.nn.RNNCell(2, 3, nonlinearity="relu"),
    lambda T: T.nn.MaxUnpool2d(2),
    lambda T: T.nn.SyncBatchNorm(3),
    lambda T: T.nn.CTCLoss(),
    lambda T: T.nn.ReLU(inplace=True),
    lambda T: T.nn.Hardtanh(inplace=True),
]
