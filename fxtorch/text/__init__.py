"""What torchtext gives: vocabularies, tokenizers, datasets, and transforms from tokens to Tensors."""

from fxtorch.text import data, datasets, functional, transforms, vocab

__all__ = ["data", "datasets", "disable_torchtext_deprecation_warning", "functional", "transforms", "vocab"]


def disable_torchtext_deprecation_warning() -> None:
    """torchtext warns that it is no longer developed; there is no such warning here."""
