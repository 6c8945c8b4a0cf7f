"""The entries of ``op_db`` that say nothing about fxtorch, each with its reason; at most 8 % of them."""

from __future__ import annotations

_INTERNAL = "a kernel behind a public function, no public name"
_NATIVE = "a kernel that nn.functional calls, no documented name"
_JITERATOR = "CUDA source text compiled at run time"
_CUDA = "a CUDA kernel; PyTorch has none for the CPU"

INAPPLICABLE = {
    "jiterator_unary": _JITERATOR,
    "jiterator_binary": _JITERATOR,
    "jiterator_4inputs_with_extra_args": _JITERATOR,
    "jiterator_binary_return_by_ref": _JITERATOR,
    "jiterator_2inputs_2outputs": _JITERATOR,
    "sparse.sampled_addmm": "sparse layouts",
    "sparse.mm[reduce]": "sparse layouts",
    "to_sparse": "sparse layouts",
    "torch._scaled_mm": "quantised to float8, CUDA only",
    "torch._scaled_mm_v2": "quantised to float8, CUDA only",
    "torch.ops.aten._flash_attention_forward": _CUDA,
    "torch.ops.aten._efficient_attention_forward": _CUDA,
    "nn.functional.batch_norm[without_cudnn]": _CUDA,
    "chalf": "32-bit complex numbers, a type that JAX does not have",
    "slice": _INTERNAL,
    "_softmax_backward_data": _INTERNAL,
    "_upsample_bilinear2d_aa": _INTERNAL,
    "_unsafe_masked_index": _INTERNAL,
    "_unsafe_masked_index_put_accumulate": _INTERNAL,
    "_chunk_cat": _INTERNAL,
    "_segment_reduce[lengths]": _INTERNAL,
    "_segment_reduce[offsets]": _INTERNAL,
    "max_pool2d_with_indices_backward": _INTERNAL,
    "native_dropout_backward": _INTERNAL,
    "torch.ops.aten._safe_softmax.default": _INTERNAL,
    "_native_batch_norm_legit": _INTERNAL,
    "_batch_norm_with_update": _INTERNAL,
    "native_batch_norm": _NATIVE,
    "native_group_norm": _NATIVE,
    "native_layer_norm": _NATIVE,
}
