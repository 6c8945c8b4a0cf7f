"""Embeddings, recurrent cells and networks, attention."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randbool, randint, randn, tensor, uniform

F = "nn.functional."
INDEX = randint(3, 4, low=0, high=7)
ROWS, STATE = randint(8, low=0, high=7), randn(1, 2, 4)
OFFSETS = tensor([0, 2, 2, 5])


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
    error("gru_cell", randn(2, 2), randn(2, 4), *weights(3, 3, 4), match="input has inconsistent input_size"),
]  # fmt: skip
