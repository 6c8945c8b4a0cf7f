"""Products of matrices in groups of uneven size, and the convolution with time first."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array as JaxArray

from fxtorch.ops.convolution import conv1d
from fxtorch.ops.dtypes import cast
from fxtorch.ops.table import Array, op


def _membership(offs: JaxArray, size: int) -> JaxArray:
    """``(groups, size)``: whether each place belongs to each group, of which ``offs`` says the ends."""
    place = jnp.arange(size, dtype=offs.dtype)
    begins = jnp.concatenate([jnp.zeros(1, offs.dtype), offs[:-1]])
    return (place >= begins[:, None]) & (place < offs[:, None])


@op(where=("nn.functional",))
def grouped_mm(
    mat_a: Array,
    mat_b: Array,
    *,
    offs: Array | None = None,
    bias: Array | None = None,
    out_dtype: np.dtype | None = None,
) -> Array:
    """The products of groups of matrices, whose sizes may differ along one dimension; as experts need them.

    With ``a`` 2-D and ``b`` 3-D the rows of ``a`` are divided: ``out[rows of g] = a[rows of g] @ b[g]``.  With ``a``
    3-D and ``b`` 2-D the columns of ``b`` are.  With both 2-D the dimension that is summed over is:
    ``out[g] = a[:, g] @ b[g]``.  With both 3-D it is a batch of products.

    Args:
        mat_a: ``(M, K)`` or ``(G, M, K)``.
        mat_b: ``(K, N)`` or ``(G, K, N)``.
        offs: ``(G,)``, where each group ends; what lies behind the last gives zeros.
        bias: added to the result.
        out_dtype: the type of the result; that of the operands by default.

    Raises:
        RuntimeError: ``offs`` is missing, or is given for a plain batch.
    """
    jagged = mat_a.ndim == 2 or mat_b.ndim == 2
    if jagged != (offs is not None):
        raise RuntimeError("grouped_mm: offs is to be given exactly where one of the operands is 2-D")
    kind = jnp.promote_types(mat_a.dtype, np.float32)
    if offs is None:
        out = jnp.matmul(mat_a, mat_b, preferred_element_type=kind)
    elif mat_b.ndim == 3:
        inside = cast(_membership(offs, mat_a.shape[0]), mat_a.dtype)
        out = jnp.einsum("gm,mk,gkn->mn", inside, mat_a, mat_b, preferred_element_type=kind)
    elif mat_a.ndim == 3:
        inside = cast(_membership(offs, mat_b.shape[1]), mat_b.dtype)
        out = jnp.einsum("gn,gmk,kn->mn", inside, mat_a, mat_b, preferred_element_type=kind)
    else:
        inside = cast(_membership(offs, mat_a.shape[1]), mat_a.dtype)
        out = jnp.einsum("gk,mk,kn->gmn", inside, mat_a, mat_b, preferred_element_type=kind)
    out = out if bias is None else out + bias
    return cast(out, mat_a.dtype if out_dtype is None else out_dtype)


@op(where=("torch", "nn.functional"))
def conv_tbc(input: Array, weight: Array, bias: Array, pad: int = 0) -> Array:
    """:func:`conv1d` of sequences ``(time, batch, channels)``.

    Args:
        input: ``(T, N, C)``.
        weight: ``(K, C, O)``.
        bias: ``(O,)``.
        pad: zeros at both ends.
    """
    out = conv1d(jnp.transpose(input, (1, 2, 0)), jnp.transpose(weight, (2, 1, 0)), bias, 1, pad)
    return jnp.transpose(out, (2, 0, 1))
