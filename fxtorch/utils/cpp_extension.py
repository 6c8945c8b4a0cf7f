"""torch.utils.cpp_extension: the names are there to be imported; building C++ or CUDA for PyTorch's ABI is refused.

Many packages import this module at the top and build only where a GPU is.  Without PyTorch's headers and its dispatcher
there is nothing that an extension could link against, so whatever would build one says so when it is called.

    >>> from fxtorch.utils.cpp_extension import CUDA_HOME, load
    >>> CUDA_HOME is None
    True
    >>> load(name="fast", sources=["fast.cpp"])
    Traceback (most recent call last):
    NotImplementedError: cpp_extension.load: fxtorch has no C++ interface of PyTorch's to build an extension against; \
write the kernel in JAX or Pallas, or as an autograd.Function
"""

from __future__ import annotations

from typing import Any, NoReturn

CUDA_HOME: str | None = None
ROCM_HOME: str | None = None
IS_HIP_EXTENSION = False


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"cpp_extension.{name}: fxtorch has no C++ interface of PyTorch's to build an extension against; "
        "write the kernel in JAX or Pallas, or as an autograd.Function"
    )


def load(*args: Any, **kwargs: Any) -> NoReturn:
    """Would compile and import C++ or CUDA sources.

    Raises:
        NotImplementedError: always.
    """
    _refuse("load")


def load_inline(*args: Any, **kwargs: Any) -> NoReturn:
    """Would compile and import C++ or CUDA given as text.

    Raises:
        NotImplementedError: always.
    """
    _refuse("load_inline")


def CppExtension(*args: Any, **kwargs: Any) -> NoReturn:
    """Would describe a C++ extension to setuptools.

    Raises:
        NotImplementedError: always.
    """
    _refuse("CppExtension")


def CUDAExtension(*args: Any, **kwargs: Any) -> NoReturn:
    """Would describe a CUDA extension to setuptools.

    Raises:
        NotImplementedError: always.
    """
    _refuse("CUDAExtension")


def include_paths(*args: Any, **kwargs: Any) -> NoReturn:
    """Would list the folders of PyTorch's headers.

    Raises:
        NotImplementedError: always.
    """
    _refuse("include_paths")


class BuildExtension:
    """Would be setuptools' ``build_ext`` for PyTorch's extensions; making one, or its ``with_options``, is refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("BuildExtension")

    @classmethod
    def with_options(cls, **options: Any) -> NoReturn:
        """Would be the class with options set.

        Raises:
            NotImplementedError: always.
        """
        _refuse("BuildExtension")
