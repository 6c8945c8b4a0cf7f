"""torch.sparse: Tensors of which only the elements that are not zero are kept."""

from fxtorch.sparse import dispatch as dispatch
from fxtorch.sparse import methods as methods
from fxtorch.sparse.construction import (
    check_sparse_tensor_invariants,
    sparse_compressed_tensor,
    sparse_coo_tensor,
    sparse_csc_tensor,
    sparse_csr_tensor,
    spdiags,
)
from fxtorch.sparse.products import addmm, mm, sampled_addmm
from fxtorch.sparse.reductions import log_softmax, softmax, sum
from fxtorch.sparse.typed import (
    BFloat16Tensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
)
from fxtorch.tensor.dispatch import no_such_name as _no_such_name

__all__ = [
    "BFloat16Tensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "addmm",
    "check_sparse_tensor_invariants",
    "log_softmax",
    "mm",
    "sampled_addmm",
    "softmax",
    "sparse_compressed_tensor",
    "sparse_coo_tensor",
    "sparse_csc_tensor",
    "sparse_csr_tensor",
    "spdiags",
    "sum",
]


def __getattr__(name: str) -> object:
    raise _no_such_name(__name__, name)
