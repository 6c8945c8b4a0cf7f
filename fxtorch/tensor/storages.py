"""The elements and bytes behind Tensors, as far as programs ask for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np

from fxtorch.tensor import dtype as types
from fxtorch.tensor.conversion import concrete
from fxtorch.tensor.tensor import Tensor, method, unwrap, wrap


class UntypedStorage:
    """The bytes behind a Tensor, or of a file: how many there are, whose they are, and a copy of some."""

    def __init__(self, tensor: Tensor | int | Sequence[Any] = 0, *, dtype: Any = types.uint8) -> None:
        if not isinstance(tensor, Tensor):  # a size, or the elements
            tensor = wrap(jnp.zeros(tensor, dtype.np) if isinstance(tensor, int) else jnp.asarray(tensor, dtype.np))
        self._tensor = tensor if tensor._base is None else tensor._base

    @classmethod
    def from_file(cls, filename: str | os.PathLike[str], shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first bytes of a file; each is read when it is asked for.

        Args:
            filename: the file.
            shared: that changes are to be written into the file, which cannot be had here.
            nbytes: how many; 0 for none.

        Raises:
            FileNotFoundError: there is no such file.
            RuntimeError: it is shorter, or ``shared``.
        """
        if shared:
            raise RuntimeError("from_file: arrays of JAX never change, so a file cannot share them; pass shared=False")
        if os.path.getsize(filename) < nbytes:
            raise RuntimeError(f"{filename} has {os.path.getsize(filename)} bytes, and {nbytes} were asked for")
        return _Mapped(np.memmap(filename, np.uint8, "r", shape=(nbytes,)) if nbytes else np.zeros(0, np.uint8))

    @property
    def device(self) -> Any:
        """Where it is."""
        return self._tensor.device

    def nbytes(self) -> int:
        """Bytes."""
        return self._tensor.nbytes

    __len__ = size = nbytes

    def element_size(self) -> int:
        """Bytes an element."""
        return 1

    def data_ptr(self) -> int:
        """The address of the base Tensor."""
        return self._tensor.data_ptr()

    def untyped(self) -> UntypedStorage:
        """Itself."""
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        seen = np.asarray(concrete(self._tensor, ".numpy()"))
        return np.frombuffer(seen.tobytes(), np.uint8).astype(dtype or np.uint8, copy=False)

    def __getitem__(self, index: int | slice) -> Any:
        found = np.asarray(self)[index]
        return _Mapped(found) if isinstance(index, slice) else int(found)

    def tolist(self) -> list[int]:
        """The bytes."""
        return np.asarray(self).tolist()


class _Mapped(UntypedStorage):
    """Bytes that a Tensor is made of only where somebody needs one."""

    def __init__(self, content: np.ndarray) -> None:
        self._content = content

    @cached_property
    def _tensor(self) -> Tensor:  # type: ignore[override]
        return wrap(jnp.asarray(self._content))

    def nbytes(self) -> int:
        """Bytes."""
        return self._content.nbytes

    __len__ = size = nbytes

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._content.astype(dtype or np.uint8, copy=False)


class TypedStorage(UntypedStorage):
    """The elements behind a Tensor."""

    def __init__(self, tensor: Tensor | int | Sequence[Any] = 0, *, dtype: Any = types.float32) -> None:
        super().__init__(tensor, dtype=dtype)

    def __len__(self) -> int:
        return self._tensor.numel()

    size = __len__

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        return UntypedStorage(self._tensor)

    def element_size(self) -> int:
        """Bytes an element."""
        return self._tensor.element_size()

    def tolist(self) -> list[Any]:
        """The elements."""
        return self._tensor.reshape(-1).tolist()

    def __getitem__(self, index: int) -> Any:
        return self._tensor.reshape(-1)[index].item()


@method
def untyped_storage(self: Tensor) -> UntypedStorage:
    """The bytes it shares with its views."""
    return UntypedStorage(self)


@method
def storage(self: Tensor) -> TypedStorage:
    """The elements it shares with its views."""
    return TypedStorage(self)


@method
def set_(
    self: Tensor,
    source: Tensor | UntypedStorage | None = None,
    storage_offset: int = 0,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Take the values of ``source``, or those of its elements that a place and strides say; empty without one."""
    held = source._tensor.reshape(-1) if isinstance(source, UntypedStorage) else source
    if held is None:
        self._rebind(unwrap(self.new_empty(0)), cut=True)
    elif size is None:
        self.data = held.data
    else:
        steps = np.cumprod([1, *reversed(tuple(size)[1:])])[::-1].tolist() if stride is None else stride
        self.data = held.detach().as_strided(tuple(size), tuple(steps), storage_offset).clone()
    return self


def is_storage(obj: Any) -> bool:
    """Whether ``obj`` is a storage."""
    return isinstance(obj, UntypedStorage)
