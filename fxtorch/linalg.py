"""torch.linalg: linear algebra, from the table of operators."""

from typing import Any as _Any

from fxtorch.ops.singular import LinAlgError as LinAlgError
from fxtorch.tensor.dispatch import namespace as _namespace
from fxtorch.tensor.dispatch import no_such_name as _no_such_name

globals().update({name: fn for name, fn in _namespace("linalg").items() if not name.endswith("_")})


def __getattr__(name: str) -> _Any:  # also tells type checkers that the generated names are there
    raise _no_such_name(__name__, name)
