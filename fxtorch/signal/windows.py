"""torch.signal.windows: the windows of signal processing, from the table of operators."""

from typing import Any as _Any

from fxtorch.tensor.dispatch import namespace as _namespace
from fxtorch.tensor.dispatch import no_such_name as _no_such_name

globals().update(_namespace("signal.windows"))


def __getattr__(name: str) -> _Any:  # also tells type checkers that the generated names are there
    raise _no_such_name(__name__, name)
