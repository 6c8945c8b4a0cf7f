"""Flax and fxtorch: modules of the one used as modules of the other, and their parameters translated."""

from fxtorch.interop.flax.linen import FromLinen as FromLinen
from fxtorch.interop.flax.nnx import Buffer as Buffer
from fxtorch.interop.flax.nnx import FromNNX as FromNNX
from fxtorch.interop.flax.nnx import ToNNX as ToNNX
from fxtorch.interop.flax.parameters import from_flax as from_flax
from fxtorch.interop.flax.parameters import to_flax as to_flax
from fxtorch.interop.flax.pure import init_and_apply as init_and_apply
