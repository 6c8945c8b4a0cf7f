"""torch.cpu.amp: :mod:`fxtorch.amp` for the CPU, in the signatures that older programs use."""

from __future__ import annotations

from fxtorch.amp.older import forms
from fxtorch.tensor.dtype import bfloat16

__all__ = ["GradScaler", "autocast"]

autocast, GradScaler = forms("cpu", bfloat16, __name__)
