"""Pillow, where it is installed."""

from __future__ import annotations

import sys
from typing import Any


def is_pil(value: Any) -> bool:
    """Whether ``value`` is a Pillow image; nothing is one while Pillow has not been imported."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def pillow() -> Any:
    """Pillow's ``Image`` module.

    Raises:
        ImportError: it is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("images need Pillow: pip install 'fxtorch[vision]'") from error
    return Image


def pillow_module(name: str) -> Any:
    """Another of Pillow's modules: ``"ImageEnhance"``, ``"ImageOps"``, ``"ImageDraw"`` ...

    Raises:
        ImportError: it is not installed.
    """
    pillow()
    import PIL

    __import__(f"PIL.{name}")
    return getattr(PIL, name)
