"""torch.fft: Fourier transforms, from the table of operators."""

from fxtorch.tensor.dispatch import namespace as _namespace

globals().update({name: fn for name, fn in _namespace("fft").items() if not name.endswith("_")})
