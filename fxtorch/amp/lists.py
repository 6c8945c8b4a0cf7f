"""Which operators autocast computes in which type; by device, as in torch (aten/src/ATen/autocast_mode.h, 2.13).

``LOW``: in the region's type.  ``FLOAT32``: in float32.  ``WIDEST``: in the widest type among the arguments.  Operators
that are not named are computed in the types that they are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Policy = Literal["low", "float32", "widest"]

_LOW_ANYWHERE = (
    "addbmm addmm baddbmm bmm conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d einsum "
    "linear lstm matmul mm multi_dot chain_matmul prelu rnn_relu rnn_tanh vecdot _attention linear_cross_entropy"
)
_FLOAT32_ANYWHERE = (
    "binary_cross_entropy_with_logits cdist cosine_embedding_loss cross_entropy ctc_loss hinge_embedding_loss "
    "huber_loss kl_div l1_loss margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss nll_loss "
    "poisson_nll_loss prod smooth_l1_loss soft_margin_loss triplet_margin_loss"
)
_LOW_CPU = "inner tensordot"
_FLOAT32_CPU = (
    "adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d binary_cross_entropy cholesky cholesky_ex cholesky_inverse "
    "cholesky_solve cond eig eigh eigvals eigvalsh fft fft2 fftn geqrf grid_sample hfft householder_product ifft "
    "ifft2 ifftn ihfft inv inv_ex irfft irfft2 irfftn lstsq lu_factor lu_factor_ex lu_solve matrix_rank max_pool3d "
    "max_unpool2d max_unpool3d nanquantile ormqr pinverse polar qr quantile rfft rfft2 rfftn solve solve_triangular "
    "stft svd svdvals tensorinv tensorsolve trace view_as_complex _fractional_max_pool"
)
_LOW_CUDA = "addmv addr gru gru_cell lstm_cell mv rnn_relu_cell rnn_tanh_cell"
_FLOAT32_CUDA = (
    "acos asin cosh cosine_similarity cumprod cumsum dist erfinv exp expm1 group_norm interpolate layer_norm log log10 "
    "log1p log2 log_softmax logsumexp matrix_norm norm pdist pow reciprocal renorm rms_norm rsqrt sinh softmax "
    "softplus sum tan upsample upsample_bilinear upsample_nearest vector_norm"
)
_WIDEST_CPU = "cat index_copy stack"
_WIDEST_CUDA = "addcdiv addcmul atan2 bilinear cat cross dot grid_sample index_put scatter_add stack tensordot vdot"


def _table(low: str, float32: str, widest: str) -> dict[str, Policy]:
    rows: list[tuple[str, Policy]] = [(low, "low"), (float32, "float32"), (widest, "widest")]
    return {name: policy for names, policy in rows for name in names.split()}


POLICIES: dict[str, dict[str, Policy]] = {
    "cpu": _table(f"{_LOW_ANYWHERE} {_LOW_CPU}", f"{_FLOAT32_ANYWHERE} {_FLOAT32_CPU}", _WIDEST_CPU),
    "cuda": _table(f"{_LOW_ANYWHERE} {_LOW_CUDA}", f"{_FLOAT32_ANYWHERE} {_FLOAT32_CUDA}", _WIDEST_CUDA),
}
BANNED = {"cuda": {"binary_cross_entropy"}}


def policy_of(device: str, name: str, args: Sequence[Any]) -> Policy | None:
    """What is done to the arguments of operator ``name`` on a device.

    Raises:
        RuntimeError: the operator is not safe in a small type.
    """
    if name in BANNED.get(device, ()):
        raise RuntimeError(
            "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast; use "
            "binary_cross_entropy_with_logits or torch.nn.BCEWithLogitsLoss, which are safe"
        )
    if name == "pad" and device == "cpu":  # the mode decides
        mode = args[2] if len(args) > 2 else "constant"
        spread = len(args[1]) // 2
        return "float32" if mode == "replicate" or (mode == "reflect" and spread < 3) else None
    return POLICIES[device].get(name)
