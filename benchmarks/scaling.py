"""How a compiled step's time grows: with batch, depth, width and sequence length."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.systems import Case, Library, lstm, perceptron, transformer

Sweep = tuple[str, tuple[int, ...], Callable[[Library, int], Case]]

SWEEPS: dict[str, Sweep] = {
    "batch": ("MLP 784-512-256-10", (8, 32, 128, 512), lambda lib, n: perceptron(lib, n, 784, 512, 256, 10)),
    "depth": ("layers of 128, batch 64", (1, 4, 16, 64), lambda lib, n: perceptron(lib, 64, *[128] * n, 10)),
    "width": ("three layers, batch 64", (32, 128, 512, 1024), lambda lib, n: perceptron(lib, 64, n, n, n, 10)),
    "length": ("LSTM, batch 16", (25, 50, 100, 200), lambda lib, n: lstm(lib, 16, n)),
    "positions": (
        "transformer block of 128, batch 4",
        (32, 64, 128, 256),
        lambda lib, n: transformer(lib, 4, width=128, depth=1, length=n),
    ),
}
"""What grows, on which model, to which sizes, and how a case is built."""
