"""torch.return_types: the classes of results with named fields."""

from fxtorch.ops.return_types import RETURN_TYPES

globals().update(RETURN_TYPES)
linalg_slogdet = RETURN_TYPES["slogdet"]  # one operator under two names

all_return_types = [RETURN_TYPES[name] for name in sorted(RETURN_TYPES)]
