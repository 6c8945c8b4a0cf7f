"""Products of matrices and vectors."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randint, randn, uniform

SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4))]
SHAPES += [((5, 2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 2)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,))]

CASES = [case("matmul", randn(*a), randn(*b)) for a, b in SHAPES]
CASES += [
    case("matmul", randint(2, 3), randint(3, 4)),
    case("matmul", randn(2, 3, dtype="complex64"), randn(3, 2, dtype="complex64")),
    case("matmul", randn(0, 3), randn(3, 2)),
    case("mm", randn(2, 3), randn(3, 4)),
    case("bmm", randn(5, 2, 3), randn(5, 3, 4)),
    case("mv", randn(2, 3), randn(3)),
    case("dot", randn(3), randn(3)),
    case("vdot", randn(3, dtype="complex64"), randn(3, dtype="complex64")),
    case("inner", randn(2, 3), randn(4, 3)),
    case("outer", randn(3), randn(4)),
    case("ger", randn(3), randn(4)),
    case("addmm", randn(4), randn(2, 3), randn(3, 4)),
    case("addmm", randn(2, 4), randn(2, 3), randn(3, 4), beta=0.5, alpha=2.0),
    case("addmm", randn(2, 4), randn(2, 3), randn(3, 4), beta=0),
    case("addmv", randn(2), randn(2, 3), randn(3), alpha=0.5),
    case("addr", randn(2, 3), randn(2), randn(3), beta=2.0),
    case("baddbmm", randn(5, 2, 4), randn(5, 2, 3), randn(5, 3, 4), beta=0.5),
    case("addbmm", randn(2, 4), randn(5, 2, 3), randn(5, 3, 4)),
    case("chain_matmul", randn(2, 3), randn(3, 4), randn(4, 5)),
    case("linalg.multi_dot", [randn(2, 3), randn(3, 4), randn(4, 5)]),
    case("linalg.multi_dot", [randn(3), randn(3, 4), randn(4)]),
    case("linalg.matmul", randn(2, 3), randn(3, 4)),
    case("einsum", "ij,jk->ik", randn(2, 3), randn(3, 4)),
    case("einsum", "bij,bjk->bik", randn(5, 2, 3), randn(5, 3, 4)),
    case("einsum", "...ij->...ji", randn(5, 2, 3)),
    case("einsum", "ii", randn(3, 3)),
    case("einsum", "i,j,ij->", randn(2), randn(3), randn(2, 3)),
    case("tensordot", randn(2, 3, 4), randn(3, 4, 5)),
    case("tensordot", randn(2, 3, 4), randn(4, 3), dims=([1, 2], [1, 0])),
    case("tensordot", randn(2), randn(3), dims=0),
    case("tensordot", randn(2, 1), randn(3, 2), dims=([1], [0])),
    case("kron", randn(2, 3), randn(3, 2)),
    case("cross", randn(4, 3), randn(4, 3), dim=1),
    case("linalg.cross", randn(4, 3), randn(1, 3)),
    case("linalg.vecdot", randn(4, 3), uniform(4, 3)),
    case("linalg.vecdot", randn(4, 3, dtype="complex64"), randn(4, 3, dtype="complex64"), dim=0),
]

ERRORS = [
    error("matmul", randn(2, 3), randn(4, 5), match=r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)"),
    error("matmul", randn(3), randn(4), match="same number of elements"),
    error("matmul", randn(2, 3), randn(4), match="size mismatch"),
    error("matmul", randn(2, 3), randn(3, 4, dtype="float64"), match="same dtype"),
    error("matmul", randn(2, 2, 3), randn(5, 3, 4)),
    error("mm", randn(2, 3, 1), randn(3, 4), match="must be a matrix"),
    error("bmm", randn(5, 2, 3), randn(4, 3, 4), match=r"batch2 tensor to be: \[5, 3\] but got: \[4, 3\]"),
    error("dot", randn(2, 3), randn(3), match="1D tensors expected"),
    error("inner", randn(2, 3), randn(4), match="last dimension must match"),
    error("addmm", randn(5), randn(2, 3), randn(3, 4)),
    error("tensordot", randn(2, 3), randn(4, 5), dims=1, match="contracted dimensions need to match"),
]
