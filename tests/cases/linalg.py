"""Linear algebra."""

from __future__ import annotations

from typing import Any

from tests.cases import case, error
from tests.cases.data import distinct, positive_definite, randint, randn, square, tensor, uniform

INF = float("inf")
HALF = "one triangle is read, and the gradient is shared with the other"


def size(x: Any) -> Any:
    """The absolute value, which a factor of 1 or -1 (or a phase) does not change."""
    return x.abs() if x.dtype.is_floating_point or x.dtype.is_complex else x


def finite(x: Any) -> Any:
    """0 for what has no finite value."""
    return x.nan_to_num(0.0, 0.0, 0.0)


def counts(x: Any) -> Any:
    """The counts among results; for a factor that is not finished, its size."""
    return x.isnan() * 0 if x.dtype.is_floating_point else x


COMPLEX = randn(2, 3, 4, dtype="complex64")
SYMMETRIC = tensor([[1.0, 2.0, 3.0, 0.5], [2.0, 0.1, -1.0, 4.0], [3.0, -1.0, 0.2, 0.3], [0.5, 4.0, 0.3, -2.0]])

CASES = [
    case(name, square(3))
    for name in (
        "linalg.inv",
        "inverse",
        "linalg.det",
        "det",
        "linalg.slogdet",
        "slogdet",
        "logdet",
        "linalg.pinv",
        "pinverse",
    )
]
CASES += [case(name, square(2, 3)) for name in ("linalg.inv", "linalg.det", "linalg.slogdet")]
CASES += [case("linalg.matrix_exp", uniform(2, 3, 3))]
CASES += [case(name, square(3, dtype="complex64")) for name in ("linalg.inv", "linalg.det")]
CASES += [case("linalg.det", tensor([[1.0, 2.0], [2.0, 4.0]])).but(grad=False), case("matrix_exp", square(3))]
CASES += [case("linalg.inv_ex", square(3))]
CASES += [
    case("linalg.solve", square(3), randn(3)),
    case("linalg.solve", square(3), randn(3, 2)),
    case("linalg.solve", square(2, 3), randn(2, 3)),
    case("linalg.solve", square(2, 3), randn(3, 2)),
    case("linalg.solve", square(3), randn(2, 3), left=False),
    case("linalg.solve_ex", square(3), randn(3, 2)),
    case("linalg.solve_triangular", square(3), randn(3, 2), upper=True),
    case("linalg.solve_triangular", square(2, 3), randn(3, 2), upper=False, unitriangular=True),
    case("linalg.solve_triangular", square(3), randn(2, 3), upper=True, left=False),
    case("linalg.lstsq", randn(5, 3), randn(5, 2)),
    case("linalg.lstsq", randn(3, 5), randn(3, 2)),
    case("linalg.pinv", randn(4, 3)),
    case("linalg.pinv", randn(2, 3, 4), rtol=1e-4),
    case("linalg.matrix_rank", randn(4, 3)),
    case("linalg.matrix_rank", tensor([[1.0, 2.0], [2.0, 4.0]])),
    case("linalg.tensorinv", randn(4, 2, 2), 1),
    case("linalg.tensorsolve", randn(2, 2, 4), randn(2, 2)),
    case("linalg.vander", randn(3)),
    case("linalg.vander", randn(2, 3), N=5),
    case("vander", randn(3)).but(grad=False),
    case("vander", randn(3), 4, True).but(grad=False),
]
CASES += [case("matrix_power", square(3), n) for n in (0, 1, 3, -2)]
CASES += [
    case("linalg.norm", randn(3, 4), *args, **kwargs)
    for args, kwargs in (
        ((), {}),
        (("fro",), {}),
        (("nuc",), {}),
        ((1,), {}),
        ((-INF,), {}),
        ((2,), {}),
        ((3, 1), {}),
        ((INF, 0, True), {}),
    )
]
CASES += [case("linalg.vector_norm", randn(3, 4), p, *args) for p in (0.5, 1, 2, 3, INF) for args in ((), (1, True))]
CASES += [case("linalg.vector_norm", tensor([0.0, 0.0]), p) for p in (1, 2, 3)]
CASES += [case("linalg.vector_norm", randn(3, dtype="complex64"))]
CASES += [case("linalg.matrix_norm", randn(2, 3, 4), p) for p in ("fro", "nuc", 1, -1, INF, 2, -2)]
CASES += [case("linalg.matrix_norm", randn(2, 3, 4), "nuc", (0, 1), True)]
CASES += [case("linalg.cond", square(3), *args) for args in ((), (-2,))]
CASES += [case("linalg.cond", square(3), p).but(grad=False) for p in (1, "fro")]

CASES += [
    case("linalg.cholesky", positive_definite(3)),
    case("cholesky", positive_definite(2, 3), upper=True),
    case("linalg.cholesky", positive_definite(3, dtype="complex64")).but(grad=False),
    case("linalg.cholesky_ex", positive_definite(3)),
    case("cholesky_solve", randn(3, 2), square(3)).but(grad=False),
    case("cholesky_inverse", square(3)).but(grad=False),
    case("linalg.qr", randn(4, 3)).but(through=size),
    case("linalg.qr", randn(2, 3, 3)).but(through=size),
    case("linalg.qr", randn(4, 3), mode="r").but(through=size, grad=False),
    case("linalg.qr", randn(4, 3), mode="complete").but(through=size, grad=False),
    case("qr", randn(4, 3)).but(through=size),
    case("linalg.svd", randn(3, 3)).but(through=size),
    case("linalg.svd", randn(4, 3), full_matrices=False).but(through=size),
    case("linalg.svd", randn(4, 3)).but(through=size, grad=False),
    case("svd", randn(2, 4, 3)).but(through=size),
    case("svd", randn(4, 3), compute_uv=False).but(grad=False),
    case("linalg.svdvals", randn(2, 4, 3)),
    case("linalg.eigh", positive_definite(3)).but(through=size, slope=HALF),
    case("linalg.eigh", randn(3, 3), UPLO="U").but(through=size, grad=False),
    case("linalg.eigvalsh", positive_definite(2, 3)).but(slope=HALF),
    case("linalg.eig", tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.5], [0.3, 0.0, 5.0]])).but(through=size),
    case("linalg.eigvals", tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.5], [0.3, 0.0, 5.0]])),
    case("linalg.eigvals", randn(0, 0)),
    case("linalg.eigvals", randn(0, 2, 2)),
    case("linalg.lu", randn(3, 3)),
    case("linalg.lu", randn(2, 4, 3)),
    case("linalg.lu_factor", randn(3, 3)),
    case("linalg.lu_factor_ex", randn(3, 3)),
    case("lu_unpack", square(3), tensor([2, 3, 3], "int32")),
    case("linalg.lu_solve", square(3), tensor([2, 3, 3], "int32"), randn(3, 2)),
    case("linalg.lu_solve", square(3), tensor([2, 3, 3], "int32"), randn(3, 2), adjoint=True),
    case("lu_solve", randn(3, 2), square(3), tensor([2, 3, 3], "int32")),
    case("linalg.householder_product", randn(4, 3), uniform(3)),
    case("linalg.householder_product", randn(2, 4, 3, dtype="complex64"), uniform(2, 2, dtype="complex64")),
    case("orgqr", randn(3, 3), tensor([0.5, 0.0, 1.2])),
    case("ormqr", randn(4, 3), uniform(3), randn(4, 2)),
    case("ormqr", randn(4, 3), uniform(3), randn(2, 4), left=False, transpose=True),
    case("ormqr", randn(2, 3, 2, dtype="complex64"), uniform(2, 2, dtype="complex64"), COMPLEX, transpose=True),
    case("geqrf", randn(2, 4, 3)).but(grad=False),
    case("geqrf", randn(2, 3, dtype="complex64")).but(grad=False),
    case("linalg.ldl_factor", SYMMETRIC).but(grad=False),
    case("linalg.ldl_factor", tensor([[0.0, 1.0], [1.0, 0.0]])).but(grad=False),
    case("linalg.ldl_factor_ex", randn(2, 6, 6)).but(grad=False),
    case("linalg.ldl_factor_ex", randn(5, 5, dtype="complex64"), hermitian=True).but(grad=False),
    case("linalg.ldl_factor_ex", randn(5, 5, dtype="complex64")).but(grad=False),
    case("linalg.ldl_factor_ex", tensor([[0.0, 0.0], [0.0, 0.0]])).but(grad=False),
    case("linalg.ldl_solve", square(4), tensor([1, -4, -4, 4], "int32"), randn(4, 2)).but(grad=False),
    case("linalg.ldl_solve", square(2, 3), tensor([[2, 2, 3], [1, -3, -3]], "int32"), randn(2, 3, 1)).but(grad=False),
    case(
        "linalg.ldl_solve",
        tensor([[2.0, 0, 0], [1.0 - 3.0j, 1.0, 0], [0.5 + 1.0j, 2.0j, 3.0]], "complex64"),
        tensor([-3, -3, 3], "int32"),
        randn(3, 2, dtype="complex64"),
        hermitian=True,
    ).but(grad=False),
    case("triangular_solve", randn(3, 2), square(3)),
    case("triangular_solve", randn(2, 3, 2), square(3), upper=False, transpose=True, unitriangular=True),
    case("lu", randn(3, 3), get_infos=True),
    case("lu_unpack", square(3), tensor([2, 3, 3], "int32"), unpack_data=False).but(grad=False),
    case("lobpcg", positive_definite(6), 2).but(through=size, slope=HALF),
    case("linalg.inv_ex", tensor([[1.0, 2.0], [2.0, 4.0]])).but(through=finite, grad=False),
    case("linalg.cholesky_ex", tensor([[4.0, 0.0], [0.0, -1.0]])).but(through=counts, grad=False),
]
CASES += [case(name, randn(2, 3, 4), d) for name in ("triu", "tril") for d in (0, 1, -1)]
CASES += [case("trace", randn(3, 4)), case("trace", randint(3, 3)), case("triu", distinct(3, 3))]

SINGULAR = tensor([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 4.0]]])

ERRORS = [
    error("linalg.inv", randn(3, 4), match="must be batches of square matrices"),
    error("linalg.inv", randn(3), match="at least 2 dim"),
    error("linalg.inv", randint(3, 3), match="floating point or complex"),
    error("linalg.solve", square(3), randn(4, 2), match="Incompatible shapes"),
    error("linalg.vector_norm", randint(3), match="floating point or complex"),
    error("linalg.qr", randn(3, 3), mode="full", match="unrecognized mode"),
    error("trace", randn(3), match="expected a matrix"),
    error("linalg.inv", SINGULAR, match=r"linalg.inv: \(Batch element 1\): The diagonal element 2 is zero"),
    error("inverse", tensor([[0.0]]), match="linalg.inv: The diagonal element 1 is zero"),
    error("linalg.inv_ex", tensor([[0.0]]), check_errors=True, match="linalg.inv_ex: The diagonal element 1 is zero"),
    error("linalg.solve", SINGULAR, randn(2, 1), match=r"torch.linalg.solve: \(Batch element 1\): The solver failed"),
    error("linalg.cholesky", SINGULAR, match=r"linalg.cholesky: \(Batch element 1\): .* leading minor of order 2"),
    error("linalg.cholesky_ex", tensor([[-1.0]]), check_errors=True, match="leading minor of order 1"),
    error("linalg.lu_factor", tensor([[0.0]]), match=r"torch.linalg.lu_factor: U\[1,1\] is zero"),
    error("matrix_power", tensor([[0.0]]), -1, match="linalg.inv: The diagonal element 1 is zero"),
    error("linalg.tensorinv", tensor([[0.0]]), 1, match="inv: The diagonal element 1 is zero"),
    error("linalg.svd", tensor([[float("nan")]]), match="linalg.svd: The algorithm failed to converge"),
    error("linalg.eig", tensor([[INF]]), match="should not contain infs or NaNs"),
    error("cholesky_inverse", tensor([[0.0]]), match="cholesky_inverse: The diagonal element 1 is zero"),
    error("geqrf", randn(3), match="torch.geqrf: input must have at least 2 dimensions"),
    error("ormqr", randn(4, 2), uniform(3), randn(4, 4), match=r"tau.shape\[-1\] must be equal to min"),
    error("ormqr", randn(4, 2), uniform(2), randn(3, 4), match=r"other.shape\[-2\] must be equal to input"),
    error("linalg.householder_product", randn(2, 4), uniform(2), match=r"input.shape\[-2\] must be greater"),
    error("linalg.ldl_factor", randn(2, 3), match="must be batches of square matrices"),
    error("linalg.ldl_solve", square(3), tensor([1, 2], "int32"), randn(3, 1), match="pivots with shape"),
    error("triangular_solve", randn(3), square(3), match="Expected b to have at least 2 dimensions"),
    error("triangular_solve", randn(4, 1), square(3), match="Incompatible matrix sizes for triangular_solve"),
    error("pca_lowrank", randn(3, 3), 4, match="must be non-negative integer and not greater than"),
    error("lobpcg", positive_definite(4), 2, match="LOBPCG algorithm is not applicable"),
    error("tril", randn(3), match="at least 2 dim"),
]
