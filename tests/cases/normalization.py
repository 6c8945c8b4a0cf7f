"""Normalisation of activations."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randn, uniform

F = "nn.functional."
MEAN, VAR = randn(3), uniform(3)

CASES = [
    case(F + "batch_norm", randn(5, 3), None, None, uniform(3), randn(3), True),
    case(F + "batch_norm", randn(4, 3, 5), None, None, None, None, True),
    case(F + "batch_norm", randn(4, 3, 5, 2), None, None, uniform(3), randn(3), True, 0.1, 1e-3),
    case(F + "layer_norm", randn(2, 3, 4), (4,), uniform(4), randn(4)),
    case(F + "layer_norm", randn(2, 3, 4), (3, 4)),
    case(F + "rms_norm", randn(2, 3, 4), (4,), uniform(4)),
    case(F + "rms_norm", randn(2, 3, 4), (3, 4), eps=1e-3),
    case(F + "group_norm", randn(2, 6, 4), 3, uniform(6), randn(6)),
    case(F + "group_norm", randn(2, 6, 4, 3), 2),
    case(F + "instance_norm", randn(2, 3, 5), None, None, uniform(3), randn(3)),
    case(F + "instance_norm", randn(2, 3, 4, 5)),
    case(F + "local_response_norm", randn(2, 6, 4), 3, 0.1).but(types=False),
    case(F + "local_response_norm", randn(2, 6, 4, 3), 4, 0.2, 0.5, 2.0),
    case(F + "batch_norm", randn(4, 3, 5), MEAN, VAR, uniform(3), randn(3)).but(grad=False),
]

ERRORS = [
    error(
        F + "batch_norm", randn(1, 3, 1, 1), None, None, training=True, match="Expected more than 1 value per channel"
    ),
    error(F + "batch_norm", randn(4, 3), None, None, randn(4), training=True, match="should contain 3 elements not 4"),
    error(
        F + "layer_norm", randn(2, 3), (4,), match=r"Given normalized_shape=\[4\], expected input with shape \[\*, 4\]"
    ),
    error(F + "group_norm", randn(2, 3, 4), 2, match="divisible by num_groups"),
    error(F + "instance_norm", randn(2, 3, 1), match="Expected more than 1 spatial element when training"),
]
