"""torch.functional: a few of torch's functions, under the module that torch writes them in."""

from fxtorch.tensor.dispatch import namespace as _namespace

_NAMES = set(
    "atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors cartesian_prod cdist chain_matmul "
    "einsum lu meshgrid norm split stft istft tensordot unique unique_consecutive unravel_index".split()
)
globals().update({name: function for name, function in _namespace("torch").items() if name in _NAMES})
