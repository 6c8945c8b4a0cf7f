"""``torch.nn.utils.stateless``: the older home of ``torch.func.functional_call``."""

from fxtorch.func.functional_call import functional_call

__all__ = ["functional_call"]
