"""The ``torch.`` functions that layers call, taken from the table of operators: nothing here knows the package's front."""

from __future__ import annotations

from types import SimpleNamespace

from fxtorch.tensor.dispatch import namespace

torch = SimpleNamespace(**namespace("torch"))
