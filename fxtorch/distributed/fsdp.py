"""torch.distributed.fsdp's names for splitting a Module, and for what may be asked of the split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fxtorch.distributed.sharding import fully_shard as fully_shard


@dataclass(frozen=True)
class MixedPrecisionPolicy:
    """The types to compute and to reduce in; ``torch.autocast`` is what sets them here."""

    param_dtype: Any = None
    reduce_dtype: Any = None
    output_dtype: Any = None
    cast_forward_inputs: bool = True


@dataclass
class OffloadPolicy:
    """Where parameters rest between their uses: on the devices."""


@dataclass
class CPUOffloadPolicy(OffloadPolicy):
    """The wish to keep parameters in the host's memory."""

    pin_memory: bool = True
