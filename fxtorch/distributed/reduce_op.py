"""How values of several processes become one."""

from __future__ import annotations

import enum

from fxtorch.distributed.errors import DistBackendError


class ReduceOp(enum.Enum):
    """The reductions of ``all_reduce`` and its like."""

    SUM = "sum"
    AVG = "avg"
    PRODUCT = "product"
    MIN = "min"
    MAX = "max"
    BAND = "band"
    BOR = "bor"
    BXOR = "bxor"
    PREMUL_SUM = "premul_sum"

    @property
    def known(self) -> str:
        """Its name for what reduces.

        Raises:
            DistBackendError: it is not supported.
        """
        if self is ReduceOp.PREMUL_SUM:
            raise DistBackendError("ReduceOp.PREMUL_SUM is not supported; multiply before a SUM")
        return self.value


reduce_op = ReduceOp
ReduceOp.RedOpType = ReduceOp  # type: ignore[attr-defined]  # torch has the names in an inner class
