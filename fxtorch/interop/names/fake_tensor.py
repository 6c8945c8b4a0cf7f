"""``torch._subclasses.fake_tensor``: Tensors without values, of which there are none: JAX traces with its own."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any


class FakeTensor:
    """A class of which there are no objects."""


def is_fake(x: Any) -> bool:
    """False."""
    return False


def get_proxy_mode() -> None:
    """None: nothing is traced in torch's way."""


def unset_fake_temporarily() -> AbstractContextManager[None]:
    """Nothing to unset: values are always there."""
    return nullcontext()
