"""Losses and distances."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randint, randn, tensor, uniform

F = "nn.functional."
A, B = randn(4, 5), randn(4, 5)
CLASSES = randint(4, low=0, high=5)
IGNORED = tensor([1, -100, 3, 0])
SIGNS = tensor([1.0, -1.0, 1.0, -1.0])
REDUCTIONS = ("none", "mean", "sum")

CASES = []
for reduction in REDUCTIONS:
    CASES += [case(F + n, A, B, reduction=reduction) for n in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")]
    CASES += [
        case(F + "poisson_nll_loss", randn(4, 5), uniform(4, 5, low=2.0, high=5.0), full=True, reduction=reduction),
        case(F + "gaussian_nll_loss", A, B, uniform(4, 5), reduction=reduction),
        case(F + "hinge_embedding_loss", randn(4), SIGNS, reduction=reduction).but(grad=False),
        case(F + "soft_margin_loss", randn(4), SIGNS, reduction=reduction).but(grad=False),
        case(F + "margin_ranking_loss", randn(4), randn(4), uniform(4), 0.2, reduction=reduction),
        case(F + "triplet_margin_loss", A, B, randn(4, 5), reduction=reduction),
        case(F + "multi_margin_loss", A, CLASSES, reduction=reduction),
        case(F + "multilabel_soft_margin_loss", A, tensor([[1.0, 0.0, 1.0, 0.0, 1.0]] * 4), reduction=reduction).but(
            grad=False
        ),
        case(F + "cross_entropy", A, IGNORED, reduction=reduction),
        case(F + "cross_entropy", A, IGNORED, reduction=reduction, label_smoothing=0.2),
        case(F + "cross_entropy", A, uniform(4, 5), reduction=reduction, label_smoothing=0.1),
        case(F + "cross_entropy", randn(2, 5, 3), randint(2, 3, low=0, high=5), reduction=reduction, ignore_index=2),
        case(F + "nll_loss", A, IGNORED, reduction=reduction),
        case(F + "nll_loss", randn(2, 5, 3, 2), randint(2, 3, 2, low=0, high=5), reduction=reduction),
        case(F + "binary_cross_entropy", uniform(4, 5), uniform(4, 5), reduction=reduction),
        case(F + "binary_cross_entropy_with_logits", A, uniform(4, 5), reduction=reduction),
    ]
CASES += [
    case(F + "cross_entropy", A, CLASSES, uniform(5)).but(grad=False),
    case(F + "cross_entropy", A, CLASSES, uniform(5), label_smoothing=0.3).but(grad=False),
    case(F + "cross_entropy", randn(5), tensor(2)),
    case(F + "nll_loss", randn(5), tensor(2)),
    case(F + "smooth_l1_loss", A, B, beta=0.3),
    case(F + "huber_loss", A, B, delta=0.3),
    *(case(F + "kl_div", randn(4, 5), uniform(4, 5), reduction=r) for r in ("none", "sum", "batchmean")),
    case(F + "kl_div", randn(4, 5), randn(4, 5), reduction="sum", log_target=True),
    case(F + "poisson_nll_loss", uniform(4), uniform(4), log_input=False),
    case(F + "gaussian_nll_loss", A, B, uniform(4, 1), full=True),
    case(F + "multi_margin_loss", A, CLASSES, 2),
    case(F + "multilabel_margin_loss", randn(2, 4), tensor([[3, 0, -1, 1], [1, -1, 2, 3]])),
    case(F + "triplet_margin_loss", A, B, randn(4, 5), swap=True, p=1.0),
    case(F + "cosine_embedding_loss", A, B, SIGNS, margin=0.1).but(grad=False),
    case(F + "binary_cross_entropy_with_logits", A, uniform(4, 5), pos_weight=uniform(5)).but(grad=False),
    case(F + "ctc_loss", randn(8, 2, 4), randint(2, 3, low=1, high=4), tensor([8, 7]), tensor([3, 2])).but(grad=False),
    case("cosine_similarity", A, B),
    case("cosine_similarity", randn(3, 4, 5), randn(4, 5), dim=-1),
    *(case(F + "pairwise_distance", A, B, p) for p in (1.0, 2.0, 3.0)),
    *(case("pdist", randn(5, 3), p) for p in (1.0, 2.0, 3.0)),
    *(case("cdist", randn(2, 4, 3), randn(2, 5, 3), p) for p in (1.0, 2.0, 3.0)),
    case("cdist", randn(3, 3), randn(26, 3)).but(grad=False),
]

ERRORS = [
    error(
        F + "cross_entropy", randn(2, 3), tensor([1, 2, 0]), match=r"Expected input batch_size \(2\) to match target"
    ),
    error(
        F + "cross_entropy",
        randn(2, 3),
        tensor([1.0, 2.0]),
        match="expected target dtype to be Long or Byte, but got Float",
    ),
    error(F + "cross_entropy", randn(2, 3), tensor([1, 3]), match="Target 3 is out of bounds."),
    error(
        F + "cross_entropy", randn(2, 3), tensor([1, 2]), label_smoothing=2.0, match="label_smoothing must be between"
    ),
    error(F + "binary_cross_entropy", uniform(4, 5), uniform(5), match="Using a target size"),
    error(F + "binary_cross_entropy", randn(9), uniform(9), match="all elements of input should be between 0 and 1"),
    error(F + "binary_cross_entropy_with_logits", A, uniform(5), match="must be the same as input size"),
    error(F + "mse_loss", A, A, reduction="average", match="average is not a valid value for reduction"),
    error("cdist", randn(3, 2), randn(3, 4), match="must have the same number of columns. X1: 2 X2: 4"),
    error(F + "gaussian_nll_loss", A, B, uniform(2, 5), match="var is of incorrect size"),
]
