"""torch.linalg: linear algebra, from the table of operators."""

from fxtorch.tensor.dispatch import namespace as _namespace

globals().update({name: fn for name, fn in _namespace("linalg").items() if not name.endswith("_")})
