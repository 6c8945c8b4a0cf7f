"""Functions and values of ``torch`` that the operator database does not hold, against PyTorch's: one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="compares with PyTorch")

from tests.parity.calls import assert_same

Calls = dict[str, Callable[[Any], Any]]


def eye(t: Any, *shape: int) -> Any:
    """Numbers that differ from one another."""
    return t.arange(1.0, float(np.prod(shape)) + 1).reshape(shape) / 7


TYPES: Calls = {
    "asarray": lambda t: [
        t.asarray([1, 2.5]),
        t.asarray(np.arange(3)),
        t.asarray([1, 2], dtype=t.float64),
        t.asarray(3.0, requires_grad=True),
        t.asarray(t.ones(2), copy=True),
        t.asarray(np.ones((2, 2), "float16")),
    ],
    "asarray shares": lambda t: (lambda x: (t.asarray(x) is x, t.asarray(x, copy=True) is x))(t.ones(2)),
    "frombuffer": lambda t: [
        t.frombuffer(bytearray(range(8)), dtype=t.uint8),
        t.frombuffer(bytearray(range(8)), dtype=t.int16, count=2, offset=2),
        t.frombuffer(bytearray(8), dtype=t.float32, requires_grad=True),
    ],
    "frombuffer too short": lambda t: t.frombuffer(bytearray(3), dtype=t.int64),
    "can_cast": lambda t: [
        t.can_cast(getattr(t, a), getattr(t, b))
        for a in ("float32", "int64", "bool", "complex64", "uint8", "bfloat16")
        for b in ("float64", "int32", "bool", "complex128", "int8", "float16")
    ],
    "promote_types": lambda t: [
        t.promote_types(getattr(t, a), getattr(t, b))
        for a in ("float32", "int64", "bool", "complex64", "uint8", "bfloat16", "float16")
        for b in ("float64", "int32", "bool", "complex128", "int8", "float16", "uint8")
    ],
    "finfo": lambda t: [
        (i.bits, i.eps, i.max, i.min, i.tiny, i.smallest_normal, i.resolution, i.dtype)
        for i in (t.finfo(getattr(t, n)) for n in ("float16", "bfloat16", "float32", "float64", "complex64"))
    ],
    "8-bit floats": lambda t: [
        [t.tensor(v).to(source).to(d).float(), d.is_signed, d.is_floating_point, t.finfo(d).max, t.finfo(d).resolution]
        for v in [[0.0, -0.0, 1.4, 1.5, 1.6, 3, 448, 1e30, -2, float("inf"), float("nan"), 1e-30, 465, -6e4, 17, -500]]
        for source in (t.float64, t.float32, t.float16, t.bfloat16)
        for d in (t.float8_e4m3fn, t.float8_e5m2, t.float8_e4m3fnuz, t.float8_e5m2fnuz, t.float8_e8m0fnu)
    ],
    "8-bit floats of numbers": lambda t: t.tensor([1000.0, 3, -5], dtype=t.float8_e4m3fn).float(),
    "float4_e2m1fn_x2": lambda t: [t.float4_e2m1fn_x2, t.float4_e2m1fn_x2.is_floating_point],
    "finfo default": lambda t: t.finfo().dtype,
    "finfo integer": lambda t: t.finfo(t.int32),
    "iinfo": lambda t: [
        (i.bits, i.max, i.min, i.dtype)
        for i in (t.iinfo(getattr(t, n)) for n in ("uint8", "int8", "int16", "int32", "int64", "uint16", "uint32"))
    ],
    "iinfo floating": lambda t: t.iinfo(t.float32),
    "is_complex": lambda t: [t.is_complex(t.zeros(1)), t.is_complex(t.zeros(1, dtype=t.complex64))],
    # conjugates are computed at once, and are never marked as conjugated or negated
    "is_conj": lambda t: [t.is_conj(t.ones(2, dtype=t.complex64)), t.is_conj(t.ones(2))],
    "is_neg": lambda t: [t.is_neg(t.ones(2, dtype=t.complex64).imag), t.is_neg(-t.ones(2))],
    "is_floating_point": lambda t: [t.is_floating_point(t.zeros(1)), t.is_floating_point(t.zeros(1, dtype=t.int8))],
    "is_signed": lambda t: [t.is_signed(t.zeros(1, dtype=getattr(t, n))) for n in ("uint8", "int8", "bool", "float32")],
    "is_nonzero": lambda t: [t.is_nonzero(t.tensor(v)) for v in (0.0, 1.5, [False], [[2]], 0j)],
    "is_nonzero of many": lambda t: t.is_nonzero(t.ones(2)),
    "is_nonzero of none": lambda t: t.is_nonzero(t.ones(0)),
    "is_tensor": lambda t: [t.is_tensor(t.ones(1)), t.is_tensor(np.ones(1)), t.is_tensor(t.nn.Parameter(t.ones(1)))],
    "is_storage": lambda t: [t.is_storage(t.ones(1).untyped_storage()), t.is_storage(t.ones(1))],
    "is_same_size": lambda t: [t.is_same_size(t.ones(2, 3), t.zeros(2, 3)), t.is_same_size(t.ones(2), t.ones(2, 1))],
    "is_inference": lambda t: [t.is_inference(t.ones(1)), inferred(t)],
    "typename": lambda t: [t.typename(v) for v in (3, "a", [1])],
    "constants": lambda t: [t.pi, t.e, t.inf, t.newaxis, str(t.nan)],
    "formats": lambda t: [
        t.contiguous_format,
        t.channels_last_3d,
        t.preserve_format,
        t.legacy_contiguous_format,
        t.sparse_bsc,
        t.sparse_bsr,
        t.sparse_csc,
        t.sparse_csr,
    ],
    "element types": lambda t: [t.qint32, t.qint8, t.quint8, t.quint2x4, t.quint4x2, t.float8_e5m2, t.uint16, t.uint32],
    "uint64": lambda t: [t.tensor([1, 2], dtype=t.uint64), t.tensor([3], dtype=t.uint16), t.ones(2, dtype=t.uint32)],
    "float8": lambda t: t.tensor([0.1, 3.7, 500.0]).to(t.float8_e5m2),
    "typed constructors": lambda t: [
        getattr(t, n)([1, 0, 2])
        for n in ("BFloat16Tensor", "CharTensor", "HalfTensor", "IntTensor", "ShortTensor", "BoolTensor")
    ],
    "typed sizes": lambda t: [tuple(t.IntTensor(2, 3).shape), tuple(t.HalfTensor(4).shape), t.ShortTensor().dtype],
    "TypedStorage": lambda t: [len(t.TypedStorage(4, dtype=t.float32)), t.TypedStorage([1.0, 2.0]).tolist()],
    "UntypedStorage": lambda t: [len(t.UntypedStorage(4)), t.ones(3).untyped_storage().nbytes()],
    "compiled_with_cxx11_abi": lambda t: t.compiled_with_cxx11_abi(),
}


def inferred(t: Any) -> bool:
    with t.inference_mode():
        return t.is_inference(t.ones(1))


OLDER: Calls = {
    **{name: lambda t, name=name: getattr(t, name)(t.eye(2)) for name in ("eig", "matrix_rank", "symeig")},
    **{name: lambda t, name=name: getattr(t, name)(t.eye(2), t.eye(2)) for name in ("lstsq", "solve")},
    "range": lambda t: [t.range(0, 4), t.range(1, 2, 0.25)],
    "frobenius_norm": lambda t: [t.frobenius_norm(eye(t, 2, 3), 1), t.frobenius_norm(eye(t, 2, 3), [0, 1], True)],
    "nuclear_norm": lambda t: [t.nuclear_norm(eye(t, 2, 3)), t.nuclear_norm(eye(t, 2, 2, 3), (1, 2), True)],
    "norm_except_dim": lambda t: [t.norm_except_dim(eye(t, 2, 3), 2, 0), t.norm_except_dim(eye(t, 2, 3), 1, 1)],
    "binomial": lambda t: [
        t.binomial(t.full((3,), 5.0), t.ones(3)),
        t.binomial(t.full((2,), 5.0), t.zeros(2)).dtype,
    ],
    "conv_tbc": lambda t: t.conv_tbc(eye(t, 5, 2, 3), eye(t, 2, 3, 4), t.arange(4.0), pad=1),
    "affine_grid_generator": lambda t: t.affine_grid_generator(eye(t, 1, 2, 3), [1, 1, 3, 4], False),
    "native_channel_shuffle": lambda t: t.native_channel_shuffle(eye(t, 1, 4, 2), 2),
    "native_dropout": lambda t: t.native_dropout(t.ones(4), 0.0, True),
    "native_dropout off": lambda t: t.native_dropout(t.ones(4), 0.5, False),
    "feature_dropout": lambda t: [
        t.feature_dropout(t.ones(1, 2, 2), 0.0, True),
        t.feature_dropout(t.ones(1, 2, 2), 0.5, False),
    ],
    "max_pool1d_with_indices": lambda t: t.max_pool1d_with_indices(t.tensor([[[1.0, 4, 2, 3, 0]]]), 2),
    "rnn_relu": lambda t: t.rnn_relu(
        eye(t, 2, 1, 3), t.zeros(1, 1, 2), [eye(t, 2, 3), eye(t, 2, 2)], False, 1, 0.0, False, False, False
    ),
    "index_put": lambda t: t.index_put(t.zeros(3), (t.tensor([0, 2]),), t.tensor([1.0, 2.0])),
    "split_copy": lambda t: t.split_copy(t.arange(5), 2),
    "select_copy": lambda t: t.select_copy(eye(t, 2, 3), 1, 2),
    "detach_copy": lambda t: (lambda x: [t.detach_copy(x), t.detach_copy(x) is x])(t.ones(2) * 2),
    "dlpack": lambda t: t.from_dlpack(t.arange(3.0)),
    "to_dlpack": lambda t: t.from_dlpack(t.to_dlpack(t.arange(3.0))),
}

SYMBOLIC: Calls = {
    "sym_float": lambda t: [t.sym_float(3), t.sym_float(2.5)],
    "sym_int": lambda t: [t.sym_int(3.7), t.sym_int(-3.7), t.sym_int(4)],
    "sym_ite": lambda t: [t.sym_ite(True, 1, 2), t.sym_ite(False, 1, 2)],
    "sym_max": lambda t: [t.sym_max(1, 2), t.sym_max(1, 2.5), t.sym_max(3.0, 2)],
    "sym_min": lambda t: [t.sym_min(1, 2), t.sym_min(1, 2.5), t.sym_min(3.0, 2)],
    "sym_not": lambda t: [t.sym_not(True), t.sym_not(False)],
    "sym_sqrt": lambda t: t.sym_sqrt(2.0),
    "sym_sum": lambda t: [t.sym_sum([1, 2, 3]), t.sym_sum((4, 5))],
}


def coo(t: Any) -> Any:
    return t.sparse_coo_tensor(t.tensor([[0, 1, 1], [2, 0, 2]]), t.tensor([3.0, 4.0, 5.0]), (2, 3))


SPARSE: Calls = {
    "smm": lambda t: t.smm(coo(t), eye(t, 3, 2)),
    "hspmm": lambda t: t.hspmm(coo(t), eye(t, 3, 2)),
    "dsmm": lambda t: t.dsmm(coo(t), eye(t, 3, 2)),
    "hsmm": lambda t: t.hsmm(coo(t), eye(t, 3, 2)),
    "saddmm": lambda t: t.saddmm(eye(t, 2, 2), coo(t), eye(t, 3, 2)),
    "sspaddmm": lambda t: t.sspaddmm(coo(t), coo(t), t.eye(3), beta=2, alpha=3),
    "sparse_csr_tensor": lambda t: t.sparse_csr_tensor([0, 1, 2], [1, 0], [3.0, 4.0], (2, 2)),
    "sparse_csc_tensor": lambda t: t.sparse_csc_tensor([0, 1, 2], [1, 0], [3.0, 4.0], dtype=t.float64),
    "sparse_compressed_tensor": lambda t: [
        t.sparse_compressed_tensor([0, 1, 2], [1, 0], [3.0, 4.0], (2, 2), layout=layout)
        for layout in (t.sparse_csr, t.sparse_csc)
    ],
    "parts of csr": lambda t: (lambda x: [x.crow_indices(), x.col_indices(), x.values(), x.is_sparse_csr])(
        coo(t).to_sparse_csr()
    ),
    "parts of csc": lambda t: (lambda x: [x.ccol_indices(), x.row_indices(), x.values()])(coo(t).to_sparse_csc()),
    "crow_indices of coo": lambda t: coo(t).crow_indices(),
    "col_indices of dense": lambda t: t.ones(2, 2).col_indices(),
    "to_sparse_coo": lambda t: eye(t, 2, 3).to_sparse_coo(),
    "Tensor.smm": lambda t: coo(t).smm(eye(t, 3, 2)),
    "Tensor.sspaddmm": lambda t: coo(t).sspaddmm(coo(t), t.eye(3)),
    "sparse_resize_": lambda t: coo(t).sparse_resize_((4, 5), 2, 0),
    "sparse_resize_and_clear_": lambda t: coo(t).sparse_resize_and_clear_((4, 5), 2, 0),
    "check_sparse_tensor_invariants": lambda t: checked_invariants(t),
}


def checked_invariants(t: Any) -> Any:
    with t.sparse.check_sparse_tensor_invariants():
        on = t.sparse.check_sparse_tensor_invariants.is_enabled()
    return on, t.sparse.check_sparse_tensor_invariants.is_enabled()


@pytest.mark.parametrize("name", TYPES)
def test_types_and_questions(name):
    assert_same(TYPES[name])


@pytest.mark.parametrize("name", OLDER)
def test_older_and_native_functions(name):
    assert_same(OLDER[name])


@pytest.mark.parametrize("name", SYMBOLIC)
def test_numbers_that_a_program_may_not_know(name):
    assert_same(SYMBOLIC[name])


@pytest.mark.parametrize("name", SPARSE)
def test_sparse_functions(name):
    assert_same(SPARSE[name])
