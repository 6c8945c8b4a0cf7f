"""torchtext.data: tokenizers, iterables and scores."""

from fxtorch.text.data import functional, metrics, utils
from fxtorch.text.data.functional import (
    custom_replace,
    numericalize_tokens_from_iterator,
    simple_space_split,
    to_map_style_dataset,
)
from fxtorch.text.data.metrics import bleu_score
from fxtorch.text.data.utils import get_tokenizer, ngrams_iterator

__all__ = [
    "bleu_score",
    "custom_replace",
    "functional",
    "get_tokenizer",
    "metrics",
    "ngrams_iterator",
    "numericalize_tokens_from_iterator",
    "simple_space_split",
    "to_map_style_dataset",
    "utils",
]
