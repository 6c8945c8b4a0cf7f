"""What a Tensor holds that outlived the trace it was made in: shape and type, and an error for who asks for values."""

from __future__ import annotations

from typing import Any


class Gone:
    """The array of a Tensor of a compiled function that was not handed back.

    >>> Gone((2,), "float32", "in place of argument 0").error()
    RuntimeError('a Tensor of shape (2,) has no values: it is of a compiled function, in place of argument 0')

    Attributes:
        shape: the size of each dimension, ``dtype``: the element type, NumPy's.
        origin: what made it, in words.
    """

    weak_type = False

    def __init__(self, shape: tuple[int, ...], dtype: Any, origin: str) -> None:
        self.shape = shape
        self.ndim = len(shape)
        self.dtype = dtype
        self.origin = origin

    def error(self) -> RuntimeError:
        """What to raise where values are needed."""
        return RuntimeError(
            f"a Tensor of shape {self.shape} has no values: it is of a compiled function, {self.origin}"
        )

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise self.error()

    __array__ = __jax_array__ = __dlpack__ = devices = _refuse
