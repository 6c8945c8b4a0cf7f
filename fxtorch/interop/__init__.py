"""Other people's programs, files and libraries on fxtorch."""

from fxtorch.interop import torchscript as torchscript
from fxtorch.interop.alias import Alias as Alias
from fxtorch.interop.alias import alias as alias
