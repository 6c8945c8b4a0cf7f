"""The ``torch.`` functions and types that layers use, without the package's front, which is above this room."""

from __future__ import annotations

from types import SimpleNamespace

from fxtorch.tensor import dtype
from fxtorch.tensor.dispatch import namespace

torch = SimpleNamespace(**namespace("torch") | dtype.ALL)
