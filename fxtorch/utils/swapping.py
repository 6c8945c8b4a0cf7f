"""``torch.utils.swap_tensors``."""

from __future__ import annotations

from fxtorch.tensor import Tensor
from fxtorch.tensor.structure import structure


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchange two Tensors: whoever holds the one holds from now on what the other was.

    Classes, values, gradients, hooks and attributes change places.  Views stay with the object that they were taken
    of, so there may be none.

    Raises:
        RuntimeError: one of them is a view.

    >>> import fxtorch as torch
    >>> a, b = torch.zeros(2), torch.ones(3)
    >>> swap_tensors(a, b)
    >>> a, b
    (tensor([1., 1., 1.]), tensor([0., 0.]))
    """
    for tensor in (t1, t2):
        if tensor._resident is not None:  # what a compiled step holds of it comes back
            tensor._resident.release()
        if tensor._link is not None:
            raise RuntimeError("Expected no views in swap_tensors: the Tensor shares memory with another")
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    structure.changed()
