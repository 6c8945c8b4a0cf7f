"""Single layers at the shapes of the systems and of ResNet-18, forward and backward, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.systems import Case, Library

Layer = Callable[[Library], tuple[Callable[..., Any], list[Any]]]  # the function, and what it takes


def _convolution(batch: int, wide: int, narrow: int, size: int, stride: int = 1, kernel: int = 3) -> Layer:
    def build(torch: Library) -> tuple[Callable[..., Any], list[Any]]:
        x, w = torch.randn(batch, wide, size, size), torch.randn(narrow, wide, kernel, kernel) * 0.05
        return lambda x, w: torch.nn.functional.conv2d(x, w, None, stride, kernel // 2), [x, w]

    return build


def _module(make: Callable[[Library], Any], *shape: int) -> Layer:
    def build(torch: Library) -> tuple[Callable[..., Any], list[Any]]:
        module = make(torch)
        return lambda x: module(x), [torch.randn(*shape)]

    return build


def _recurrent(name: str) -> Layer:
    def build(torch: Library) -> tuple[Callable[..., Any], list[Any]]:
        module = getattr(torch.nn, name)(100, 128)
        return lambda x: module(x)[0], [torch.randn(200, 64, 100)]

    return build


def _attention(torch: Library) -> tuple[Callable[..., Any], list[Any]]:
    attend = torch.nn.functional.scaled_dot_product_attention
    return lambda q, k, v: attend(q, k, v), [torch.randn(16, 8, 128, 32) for _ in range(3)]


def _embedding(torch: Library) -> tuple[Callable[..., Any], list[Any]]:
    words = torch.randint(0, 20_000, (64, 200))
    return lambda table: torch.nn.functional.embedding(words, table), [torch.randn(20_000, 100)]


def _entropy(torch: Library) -> tuple[Callable[..., Any], list[Any]]:
    y = torch.randint(0, 1000, (1024,))
    return lambda x: torch.nn.functional.cross_entropy(x, y), [torch.randn(1024, 1000)]


LAYERS: dict[str, Layer] = {
    "conv 3x3, 3 to 32, 128x32x32": _convolution(128, 3, 32, 32),
    "conv 3x3, 32 to 64, 128x16x16": _convolution(128, 32, 64, 16),
    "conv 3x3, 64 to 64, 16x32x32": _convolution(16, 64, 64, 32),
    "conv 3x3, 64 to 128, stride 2, 16x32x32": _convolution(16, 64, 128, 32, 2),
    "conv 1x1, 64 to 128, stride 2, 16x32x32": _convolution(16, 64, 128, 32, 2, 1),
    "conv 3x3, 128 to 128, 16x16x16": _convolution(16, 128, 128, 16),
    "conv 3x3, 256 to 256, 16x8x8": _convolution(16, 256, 256, 8),
    "conv 3x3, 512 to 512, 16x4x4": _convolution(16, 512, 512, 4),
    "max pool 2x2, 128x32x32x32": _module(lambda torch: torch.nn.MaxPool2d(2), 128, 32, 32, 32),
    "batch norm, 128x32x32x32": _module(lambda torch: torch.nn.BatchNorm2d(32), 128, 32, 32, 32),
    "layer norm, 2048x256": _module(lambda torch: torch.nn.LayerNorm(256), 2048, 256),
    "dropout, 2048x1024": _module(lambda torch: torch.nn.Dropout(0.1), 2048, 1024),
    "LSTM 100 to 128, 200x64": _recurrent("LSTM"),
    "GRU 100 to 128, 200x64": _recurrent("GRU"),
    "attention, 16x8x128x32": _attention,
    "embedding 20,000x100, 64x200": _embedding,
    "cross entropy, 1024x1000": _entropy,
}


def _call(torch: Library, name: str, compile: Callable[..., Any], wanted: Callable[[list[Any]], list[Any]]) -> Case:
    torch.manual_seed(0)
    function, operands = LAYERS[name](torch)
    cotangent = torch.ones_like(function(*operands).detach())

    def gradients(*operands: Any) -> Any:
        leaves = [x.detach().requires_grad_() for x in operands]
        return torch.autograd.grad(function(*leaves), wanted(leaves), cotangent)

    return Case(compile(torch, gradients), tuple(operands))


def _forward(torch: Library, name: str, compile: Callable[..., Any]) -> Case:
    torch.manual_seed(0)
    function, operands = LAYERS[name](torch)

    def forward(*operands: Any) -> Any:
        with torch.no_grad():
            return function(*operands)

    return Case(compile(torch, forward), tuple(operands))


def adam(torch: Library, compile: Callable[..., Any]) -> Case:
    """One step over 100 parameters of 64x64."""
    parameters = [torch.nn.Parameter(torch.randn(64, 64)) for _ in range(100)]
    opt = torch.optim.Adam(parameters)
    for p in parameters:
        p.grad = torch.ones_like(p)
    return Case(compile(torch, opt.step), (), parameters)


PARTS = {"forward": None, "with input's gradient": lambda xs: xs[:1], "with last gradient": lambda xs: xs[-1:]}


def prepare(torch: Library, name: str, part: str, compile: Callable[..., Any]) -> Case:
    """The case of a layer of :data:`LAYERS`, or ``"Adam"``, and a part of :data:`PARTS`."""
    if name == "Adam, 100 tensors":
        return adam(torch, compile)
    return _forward(torch, name, compile) if part == "forward" else _call(torch, name, compile, PARTS[part])
