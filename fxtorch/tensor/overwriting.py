"""Which saved values must not be overwritten: those that PyTorch saves too.

Arrays never change, so that what a call saved stays right whatever is done to its Tensors afterwards.  The check is
there because a program that overwrites a value which PyTorch needs is wrong there; it must not be stricter than that.
Source: the formulas of derivatives that PyTorch documents, by what of a call they mention.
"""

from __future__ import annotations

RESULT_NEEDED = frozenset(
    "relu sigmoid tanh exp exp2 expm1 sqrt rsqrt reciprocal softmax log_softmax tan logsumexp logcumsumexp norm "
    "vector_norm std std_mean prod cumprod amax amin cdist hypot pow cholesky inv inverse svd qr eigh eig det slogdet "
    "solve pinv".split()
)
INPUT_NOT_NEEDED = frozenset(
    "relu sigmoid tanh exp exp2 expm1 sqrt rsqrt reciprocal softmax log_softmax tan logsumexp dropout max min median "
    "kthvalue mode sort topk cummax cummin".split()
)
OF_BODIES = frozenset({"cond", "scan"})  # what their bodies save counts, which a Node before their results knows
SAVES_NUMBERS = frozenset("mul div".split())  # of which a Python number is saved, as a Tensor
