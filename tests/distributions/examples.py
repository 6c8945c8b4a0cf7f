"""One instance or more of every distribution, made of numbers that any library takes.

``make(library)`` gets ``fxtorch`` or ``torch``; everything is float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

import fxtorch

Make = Callable[[Any], Any]

COVARIANCE = [[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]]
TRIL = [[1.4, 0.0, 0.0], [0.2, 0.9, 0.0], [-0.3, 0.5, 0.7]]


@dataclass(frozen=True)
class Example:
    """A distribution, and values in its support (None: draw them)."""

    make: Make
    values: Any = None


_zero: Any = None  # within `at_once`, a 0 that JAX does not know


def t(lib: Any, values: Any) -> Any:
    """Numbers as a float64 Tensor; within :func:`at_once` one whose values are not known."""
    made = lib.tensor(values, dtype=lib.float64)
    return made if _zero is None or lib is not fxtorch else made + _zero


def at_once(calls: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """What the calls give, all in one compiled program, or the name of what they raise."""

    def run(zero: Any) -> dict[str, Any]:
        global _zero
        _zero = zero
        try:
            return {name: outcome(call) for name, call in calls.items()}
        finally:
            _zero = None

    raised: dict[str, str] = {}

    def tensors(zero: Any) -> dict[str, Any]:
        results = run(zero)
        raised.update({name: r for name, r in results.items() if isinstance(r, str)})
        return {name: r for name, r in results.items() if not isinstance(r, str)}

    return jax.jit(tensors)(fxtorch.zeros((), dtype=fxtorch.float64)) | raised


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the name of what it raises."""
    try:
        return call()
    except (NotImplementedError, ValueError, RuntimeError, AttributeError) as error:
        return type(error).__name__


def of(name: str, *parameters: Any, values: Any, **named: Any) -> Example:
    """A distribution of that name whose parameters are Tensors."""

    def make(lib: Any) -> Any:
        keywords = {k: t(lib, v) for k, v in named.items()}
        return getattr(lib.distributions, name)(*(t(lib, p) for p in parameters), **keywords)

    return Example(make, values)


SIMPLEX = [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]
UNIT = [0.3, 0.9]
POSITIVE = [0.4, 2.5]
REAL = [-0.7, 1.9]
COUNTS = [0.0, 3.0]

EXAMPLES: dict[str, Example] = {
    "Bernoulli": of("Bernoulli", [0.3, 0.8], values=[0.0, 1.0]),
    "Bernoulli of logits": of("Bernoulli", logits=[-0.3, 1.8], values=[1.0, 1.0]),
    "Beta": of("Beta", [0.7, 2.5], [1.5, 3.0], values=UNIT),
    "Binomial": Example(lambda lib: lib.distributions.Binomial(5, t(lib, [0.3, 0.6])), COUNTS),
    "Categorical": of("Categorical", [[1.0, 2.0, 3.0], [0.2, 0.5, 0.3]], values=[0.0, 2.0]),
    "Categorical of logits": of("Categorical", logits=[[1.0, -2.0, 0.5], [0.2, 0.5, 0.3]], values=[1.0, 2.0]),
    "Cauchy": of("Cauchy", [0.5, -1.0], [0.8, 2.0], values=REAL),
    "Chi2": of("Chi2", [0.9, 4.0], values=POSITIVE),
    "ContinuousBernoulli": of("ContinuousBernoulli", [0.2, 0.5], values=UNIT),
    "ContinuousBernoulli of logits": of("ContinuousBernoulli", logits=[1.2, -3.0], values=UNIT),
    "Dirichlet": of("Dirichlet", [[0.8, 2.0, 1.5], [3.0, 1.0, 2.0]], values=SIMPLEX),
    "Exponential": of("Exponential", [0.7, 3.0], values=POSITIVE),
    "FisherSnedecor": of("FisherSnedecor", [1.5, 4.0], [5.0, 6.5], values=POSITIVE),
    "Gamma": of("Gamma", [0.6, 3.0], [1.5, 0.8], values=POSITIVE),
    "GeneralizedPareto": of("GeneralizedPareto", [0.1, -0.5], [0.7, 2.0], [0.3, -0.2], values=[0.5, 1.5]),
    "GeneralizedPareto without a tail": of("GeneralizedPareto", [0.1, 0.2], [0.7, 2.0], [0.0, 0.0], values=POSITIVE),
    "Geometric": of("Geometric", [0.3, 0.8], values=COUNTS),
    "Geometric of logits": of("Geometric", logits=[0.3, -0.8], values=COUNTS),
    "Gumbel": of("Gumbel", [0.5, -1.0], [0.8, 2.0], values=REAL),
    "HalfCauchy": of("HalfCauchy", [0.8, 2.0], values=POSITIVE),
    "HalfNormal": of("HalfNormal", [0.8, 2.0], values=POSITIVE),
    "InverseGamma": of("InverseGamma", [2.6, 3.0], [1.5, 0.8], values=POSITIVE),
    "Independent": Example(
        lambda lib: lib.distributions.Independent(lib.distributions.Normal(t(lib, REAL), t(lib, POSITIVE)), 1), REAL
    ),
    "Kumaraswamy": of("Kumaraswamy", [0.7, 2.5], [1.5, 3.0], values=UNIT),
    "Laplace": of("Laplace", [0.5, -1.0], [0.8, 2.0], values=REAL),
    "LKJCholesky": Example(lambda lib: lib.distributions.LKJCholesky(3, t(lib, [0.7, 2.0]))),
    "LogNormal": of("LogNormal", [0.5, -1.0], [0.8, 0.3], values=POSITIVE),
    "LogisticNormal": of("LogisticNormal", [0.5, -1.0], [0.8, 0.3], values=[0.2, 0.3, 0.5]),
    "LowRankMultivariateNormal": of(
        "LowRankMultivariateNormal", [0.5, -1.0, 0.2], [[1.0], [0.5], [-0.3]], [0.6, 1.0, 0.4], values=[0.1, 0.2, -1.0]
    ),
    "MixtureSameFamily": Example(
        lambda lib: lib.distributions.MixtureSameFamily(
            lib.distributions.Categorical(t(lib, [0.3, 0.7])),
            lib.distributions.Normal(t(lib, [-1.0, 2.0]), t(lib, [0.5, 1.0])),
        ),
        0.4,
    ),
    "Multinomial": Example(lambda lib: lib.distributions.Multinomial(4, t(lib, [0.2, 0.3, 0.5])), [1.0, 0.0, 3.0]),
    "MultivariateNormal": of("MultivariateNormal", [0.5, -1.0, 0.2], COVARIANCE, values=[0.1, 0.2, -1.0]),
    "MultivariateNormal of a precision": of(
        "MultivariateNormal", [0.5, -1.0, 0.2], precision_matrix=COVARIANCE, values=[[0.1, 0.2, -1.0]] * 2
    ),
    "MultivariateNormal of factors": of(
        "MultivariateNormal", [0.5, -1.0, 0.2], scale_tril=[TRIL, TRIL], values=[[0.1, 0.2, -1.0]] * 2
    ),
    "NegativeBinomial": of("NegativeBinomial", [3.0, 2.5], [0.3, 0.6], values=COUNTS),
    "Normal": of("Normal", [0.5, -1.0], [0.8, 2.0], values=REAL),
    "OneHotCategorical": of("OneHotCategorical", [0.2, 0.3, 0.5], values=[0.0, 1.0, 0.0]),
    "OneHotCategoricalStraightThrough": of("OneHotCategoricalStraightThrough", [0.2, 0.3, 0.5], values=[0.0, 1.0, 0.0]),
    "Pareto": of("Pareto", [0.3, 0.5], [2.5, 3.0], values=POSITIVE),
    "Poisson": of("Poisson", [0.7, 4.0], values=COUNTS),
    "RelaxedBernoulli": of("RelaxedBernoulli", 0.7, [0.3, 0.8], values=UNIT),
    "RelaxedOneHotCategorical": of("RelaxedOneHotCategorical", 0.7, [0.2, 0.3, 0.5], values=[0.2, 0.3, 0.5]),
    "StudentT": of("StudentT", [2.5, 4.0], [0.5, -1.0], [0.8, 2.0], values=REAL),
    "TransformedDistribution": Example(
        lambda lib: lib.distributions.TransformedDistribution(
            lib.distributions.Normal(t(lib, [0.5, -1.0]), t(lib, [0.8, 2.0])),
            [lib.distributions.SigmoidTransform(), lib.distributions.AffineTransform(1.0, -2.0)],
        ),
        [0.3, -0.4],
    ),
    "Uniform": of("Uniform", [-1.0, 0.5], [0.4, 3.0], values=[0.1, 1.1]),
    "VonMises": of("VonMises", [0.5, -1.0], [0.8, 20.0], values=REAL),
    "Weibull": of("Weibull", [0.8, 2.0], [1.5, 3.0], values=POSITIVE),
    "Wishart": of("Wishart", 4.5, COVARIANCE, values=[[3.0, 0.5, 0.0], [0.5, 2.0, 0.1], [0.0, 0.1, 1.0]]),
    "Wishart of factors": of(
        "Wishart", [4.5, 6.0], scale_tril=TRIL, values=[[3.0, 0.5, 0.0], [0.5, 2.0, 0.1], [0.0, 0.1, 1.0]]
    ),
}

# Pairs of whose divergence a closed form exists, beside each distribution with another of its own kind.
PAIRS = {
    "Bernoulli": of("Bernoulli", [0.3, 0.8], values=None),
    "Beta": of("Beta", [0.7, 2.5], [1.5, 3.0], values=None),
    "Binomial": Example(lambda lib: lib.distributions.Binomial(5, t(lib, [0.3, 0.6]))),
    "Categorical": of("Categorical", [[1.0, 2.0, 3.0], [0.2, 0.5, 0.3]], values=None),
    "Cauchy": of("Cauchy", [0.5, -1.0], [0.8, 2.0], values=None),
    "ContinuousBernoulli": of("ContinuousBernoulli", [0.2, 0.7], values=None),
    "Dirichlet": of("Dirichlet", [[0.8, 2.0, 1.5], [3.0, 1.0, 2.0]], values=None),
    "Exponential": of("Exponential", [0.7, 3.0], values=None),
    "Gamma": of("Gamma", [0.6, 3.0], [1.5, 0.8], values=None),
    "Geometric": of("Geometric", [0.3, 0.8], values=None),
    "Gumbel": of("Gumbel", [0.5, -1.0], [0.8, 2.0], values=None),
    "HalfNormal": of("HalfNormal", [0.8, 2.0], values=None),
    "Independent": EXAMPLES["Independent"],
    "Laplace": of("Laplace", [0.5, -1.0], [0.8, 2.0], values=None),
    "LowRankMultivariateNormal": EXAMPLES["LowRankMultivariateNormal"],
    "MultivariateNormal": EXAMPLES["MultivariateNormal"],
    "Normal": of("Normal", [0.5, -1.0], [0.8, 2.0], values=None),
    "OneHotCategorical": EXAMPLES["OneHotCategorical"],
    "Pareto": of("Pareto", [0.3, 0.5], [2.5, 3.0], values=None),
    "Poisson": of("Poisson", [0.7, 4.0], values=None),
    "TransformedDistribution": of("LogNormal", [0.5, -1.0], [0.8, 0.3], values=None),
    "Uniform": of("Uniform", [-1.0, 0.2], [0.4, 0.9], values=None),
}
