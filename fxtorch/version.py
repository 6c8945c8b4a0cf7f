"""Which version of torch's API this is, and of fxtorch itself."""

from importlib import metadata as _metadata

from fxtorch.torch_version import TorchVersion as _TorchVersion

try:
    fxtorch = _metadata.version("fxtorch")
except _metadata.PackageNotFoundError:  # run from a source tree that is not installed
    fxtorch = "0"

__version__ = _TorchVersion(f"2.13.0+fxtorch.{fxtorch}")  # programs compare it with torch's versions
debug = False
cuda = None
cudnn = None
hip = None
xpu = None
git_version = "unknown"
