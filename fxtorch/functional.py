"""torch.functional: a few of torch's functions, under the module that torch writes them in."""

from fxtorch.tensor.dispatch import namespace

_NAMES = (
    "atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors cartesian_prod cdist chain_matmul "
    "einsum lu meshgrid norm split stft istft tensordot unique unique_consecutive unravel_index"
)
_torch = namespace("torch")
__all__ = [name for name in _NAMES.split() if name in _torch]
globals().update({name: _torch[name] for name in __all__})
