"""torch.cuda.amp: :mod:`fxtorch.amp` for CUDA, in the signatures that older programs use.

Where there is no GPU, both warn and do nothing.
"""

from __future__ import annotations

import functools

from fxtorch.amp import custom_bwd as _custom_bwd
from fxtorch.amp import custom_fwd as _custom_fwd
from fxtorch.amp.older import forms
from fxtorch.tensor.dtype import float16

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

autocast, GradScaler = forms("cuda", float16, __name__)
custom_fwd = functools.partial(_custom_fwd, device_type="cuda")
custom_bwd = functools.partial(_custom_bwd, device_type="cuda")
