"""Embeddings, recurrent cells and networks, attention."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randbool, randint, randn, tensor, uniform

F = "nn.functional."
INDEX = randint(3, 4, low=0, high=7)
ROWS, STATE = randint(8, low=0, high=7), randn(1, 2, 4)
OFFSETS = tensor([0, 2, 2, 5])
IN = (uniform(24, 8, low=-0.4, high=0.4), randn(24))
OUT = (uniform(8, 8, low=-0.4, high=0.4), randn(8))


def weights(gates: int, features: int, hidden: int) -> tuple[object, ...]:
    """The parameters of one layer."""
    return randn(gates * hidden, features), randn(gates * hidden, hidden), randn(gates * hidden), randn(gates * hidden)


CASES = [
    case(F + "embedding", INDEX, randn(7, 3)),
    case(F + "embedding", tensor([2, 1, 2]), randn(7, 3), scale_grad_by_freq=True).but(grad=False),
    *(case(F + "embedding_bag", INDEX, randn(7, 3), mode=mode) for mode in ("sum", "mean", "max")),
    *(case(F + "embedding_bag", ROWS, randn(7, 3), OFFSETS, mode=mode) for mode in ("sum", "mean", "max")),
    case(F + "embedding_bag", INDEX, randn(7, 3), mode="sum", per_sample_weights=uniform(3, 4)),
    case(F + "scaled_dot_product_attention", randn(2, 3, 4), randn(2, 5, 4), randn(2, 5, 6)),
    case(F + "scaled_dot_product_attention", randn(2, 2, 3, 4), randn(2, 2, 3, 4), randn(2, 2, 3, 4), is_causal=True),
    case(F + "scaled_dot_product_attention", randn(2, 3, 4), randn(2, 5, 4), randn(2, 5, 6), randbool(3, 5), scale=0.3),
    case(F + "scaled_dot_product_attention", randn(2, 3, 4), randn(2, 5, 4), randn(2, 5, 6), randn(3, 5)),
    case(
        F + "scaled_dot_product_attention", randn(1, 4, 3, 4), randn(1, 2, 5, 4), randn(1, 2, 5, 6), enable_gqa=True
    ),
    case(F + "multi_head_attention_forward", *(randn(5, 3, 8),) * 3, 8, 2, *IN, None, None, False, 0.0, *OUT),
    case(
        F + "multi_head_attention_forward", randn(4, 3, 8), *(randn(5, 3, 8),) * 2, 8, 2, *IN, randn(1, 1, 8),
        randn(1, 1, 8), True, 0.0, *OUT, attn_mask=randn(4, 5), key_padding_mask=randn(3, 5),
        average_attn_weights=False,
    ),
    case(
        F + "multi_head_attention_forward", randn(4, 8), randn(5, 3), randn(5, 6), 8, 2, None, None, None, None, False,
        0.0, *OUT, attn_mask=randn(2, 4, 5), use_separate_proj_weight=True, q_proj_weight=randn(8, 8),
        k_proj_weight=randn(8, 3), v_proj_weight=randn(8, 6),
    ),
    case(
        F + "multi_head_attention_forward", *(randn(5, 3, 8),) * 3, 8, 2, *IN, None, None, False, 0.0, *OUT,
        static_k=randn(6, 5, 4), static_v=randn(6, 5, 4),
    ),
    case("lstm_cell", randn(2, 3), [randn(2, 4), randn(2, 4)], *weights(4, 3, 4)).but(types=False),
    case("gru_cell", randn(2, 3), randn(2, 4), *weights(3, 3, 4)).but(types=False),
    case("rnn_tanh_cell", randn(2, 3), randn(2, 4), *weights(1, 3, 4)).but(types=False),
    case("rnn_relu_cell", randn(2, 3), randn(2, 4), *weights(1, 3, 4)).but(types=False),
    case("lstm", randn(5, 2, 3), [STATE, STATE], [*weights(4, 3, 4)], True, 1, 0.0, False, False, False),
    case("gru", randn(5, 2, 3), randn(1, 2, 4), [*weights(3, 3, 4)], True, 1, 0.0, False, False, False),
    case("rnn_tanh", randn(2, 5, 3), randn(1, 2, 4), [*weights(1, 3, 4)], True, 1, 0.0, False, False, True),
    case(
        "gru", randn(4, 2, 3), randn(4, 2, 3),
        [*weights(3, 3, 3), *weights(3, 3, 3), *weights(3, 6, 3), *weights(3, 6, 3)], True, 2, 0.0, False, True, False,
    ),
]  # fmt: skip

ERRORS = [
    error(F + "embedding", tensor([1, 7]), randn(7, 3), match="index out of range in self"),
    error(F + "embedding", tensor([1.0]), randn(7, 3), match="Expected tensor for argument #1 'indices'"),
    error(F + "embedding_bag", randint(4, low=0, high=7), randn(7, 3), match="offsets has to be a 1D Tensor"),
    error(
        F + "embedding_bag", INDEX, randn(7, 3), mode="mean", per_sample_weights=uniform(3, 4),
        match="only supported for mode='sum'",
    ),
    error(
        F + "multi_head_attention_forward", *(randn(5, 3, 8),) * 3, 8, 2, *IN, None, None, False, 0.0, *OUT,
        attn_mask=randn(5, 4), match="The shape of the 2D attn_mask is",
    ),
    error(
        F + "multi_head_attention_forward", *(randn(5, 3, 8),) * 3, 4, 2, *IN, None, None, False, 0.0, *OUT,
        match="was expecting embedding dimension of 4, but got 8",
    ),
    error("gru_cell", randn(2, 2), randn(2, 4), *weights(3, 3, 4), match="input has inconsistent input_size"),
]  # fmt: skip
