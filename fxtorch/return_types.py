"""torch.return_types: the classes of results with named fields."""

from typing import Any as _Any

from fxtorch.ops.return_types import RETURN_TYPES
from fxtorch.tensor.dispatch import no_such_name as _no_such_name

globals().update(RETURN_TYPES)
linalg_slogdet = RETURN_TYPES["slogdet"]  # one operator under two names

all_return_types = [RETURN_TYPES[name] for name in sorted(RETURN_TYPES)]


def __getattr__(name: str) -> _Any:  # also tells type checkers that the generated names are there
    raise _no_such_name(__name__, name)
