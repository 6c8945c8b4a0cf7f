"""Every distribution, transform and divergence against PyTorch's, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fxtorch
from tests.distributions.examples import EXAMPLES, PAIRS, at_once, of, outcome, t

torch = pytest.importorskip("torch", reason="compares with PyTorch")
LIBRARIES = (fxtorch, torch)

NUMBERS = ["mean", "mode", "variance", "stddev"]
TOLD = ["batch_shape", "event_shape", "has_rsample", "has_enumerate_support", "support"]
# What differs on purpose.
ELSEWHERE = {
    ("Weibull", "mode"): "0 instead of NaN where the density falls from 0 on",
    ("Kumaraswamy", "mode"): "PyTorch gives NaN even where there is a mode",
    ("VonMises", "variance"): "PyTorch's Bessel functions are good to 7e-6 only",
    ("VonMises", "stddev"): "PyTorch's Bessel functions are good to 7e-6 only",
    **{
        (name, what): "PyTorch's raises in float64; SciPy's is compared"
        for name in ("GeneralizedPareto", "GeneralizedPareto without a tail")
        for what in ("log_prob", "cdf", "icdf")
    },
}


def plain(value: Any) -> Any:
    """A result as NumPy has it, or as text."""
    if isinstance(value, fxtorch.Tensor | torch.Tensor):
        return value.detach().numpy()
    return value if isinstance(value, str) else repr(value)


def same(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, np.ndarray) or isinstance(ours, np.ndarray):
        assert isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray), (ours, theirs)
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-7)
    else:
        assert ours == theirs


def both(call: Any) -> None:
    same(*(plain(outcome(lambda lib=lib: call(lib))) for lib in LIBRARIES))


def all_the_same(calls: Callable[[Any], dict[str, Any]]) -> None:
    """Every call gives the same in both libraries; fxtorch's are compiled as one program."""
    theirs = {name: outcome(call) for name, call in calls(torch).items()}
    ours = at_once(calls(fxtorch))
    for name, expected in theirs.items():
        same(plain(ours[name]), plain(expected))


def values_of(name: str) -> Any:
    """Values in the support, drawn by PyTorch where they are not written down."""
    example = EXAMPLES[name]
    if example.values is not None:
        return example.values
    torch.manual_seed(0)
    return example.make(torch).sample().tolist()


def test_every_public_name_is_there() -> None:
    assert set(torch.distributions.__all__) == set(fxtorch.distributions.__all__)
    for module in ("constraints", "transforms"):
        theirs, ours = (getattr(lib.distributions, module).__all__ for lib in (torch, fxtorch))
        assert set(theirs) == set(ours)


@pytest.mark.parametrize("name", EXAMPLES)
def test_shapes_and_text_are_the_same(name: str) -> None:
    made = [EXAMPLES[name].make(lib) for lib in LIBRARIES]
    assert repr(made[0]) == repr(made[1])
    for attribute in TOLD:
        same(*(plain(outcome(lambda d=d, a=attribute: getattr(d, a))) for d in made))


@pytest.mark.parametrize("name", EXAMPLES)
def test_densities_moments_and_quantiles_are_the_same(name: str) -> None:
    values = values_of(name)

    def calls(lib: Any) -> dict[str, Any]:
        make = lambda: EXAMPLES[name].make(lib)  # noqa: E731
        wide = lambda: make().expand((3, *make().batch_shape))  # noqa: E731
        found: dict[str, Any] = {n: lambda n=n: getattr(make(), n) for n in NUMBERS}
        found |= {
            "log_prob": lambda: make().log_prob(t(lib, values)),
            "cdf": lambda: make().cdf(t(lib, values)),
            "icdf": lambda: make().icdf(t(lib, 0.3)),
            "entropy": lambda: make().entropy(),
            "perplexity": lambda: make().perplexity(),
            "expanded log_prob": lambda: wide().log_prob(t(lib, values)),
            "expanded variance": lambda: wide().variance,
        }
        return {n: call for n, call in found.items() if (name, n.removeprefix("expanded ")) not in ELSEWHERE}

    if name in ("Binomial", "Multinomial"):  # whose sums over the counts need to know them
        for n, call in calls(fxtorch).items():
            same(plain(outcome(call)), plain(outcome(calls(torch)[n])))
    else:
        all_the_same(calls)


@pytest.mark.parametrize("name", ["Bernoulli", "Binomial", "Categorical", "OneHotCategorical", "Normal"])
def test_values_are_listed_the_same(name: str) -> None:
    for expand in (True, False):
        both(lambda lib, e=expand: EXAMPLES[name].make(lib).enumerate_support(expand=e))


@pytest.mark.parametrize("p", PAIRS)
def test_divergences_are_the_same(p: str) -> None:
    def calls(lib: Any) -> dict[str, Any]:
        kl = lib.distributions.kl_divergence
        return {q: lambda q=q: kl(PAIRS[p].make(lib), PAIRS[q].make(lib)) for q in PAIRS}

    all_the_same(calls)


OTHERS = {
    "Bernoulli": of("Bernoulli", [0.0, 1.0], values=None),
    "Beta": of("Beta", [1.7, 0.5], [0.5, 2.0], values=None),
    "Categorical": of("Categorical", [[1.0, 0.0, 3.0], [0.2, 0.2, 0.1]], values=None),
    "Cauchy": of("Cauchy", [-0.5, 1.0], [1.8, 0.7], values=None),
    "ContinuousBernoulli": of("ContinuousBernoulli", [0.5, 0.1], values=None),
    "Dirichlet": of("Dirichlet", [[1.8, 0.3, 1.0], [1.0, 1.0, 1.0]], values=None),
    "Exponential": of("Exponential", [2.7, 0.3], values=None),
    "Gamma": of("Gamma", [1.6, 0.4], [0.5, 2.8], values=None),
    "Geometric": of("Geometric", [0.5, 0.1], values=None),
    "Gumbel": of("Gumbel", [-0.5, 1.3], [1.8, 0.4], values=None),
    "HalfNormal": of("HalfNormal", [1.8, 0.7], values=None),
    "Laplace": of("Laplace", [-0.5, 1.3], [1.8, 0.4], values=None),
    "LowRankMultivariateNormal": of(
        "LowRankMultivariateNormal", [0.1, 0.0, 1.2], [[0.4], [0.1], [1.3]], [1.6, 0.3, 0.9], values=None
    ),
    "MultivariateNormal": of(
        "MultivariateNormal", [0.1, 0.0, 1.2], scale_tril=[[[1.4, 0, 0], [0, 1, 0], [1, 0, 2]]] * 2, values=None
    ),
    "Normal": of("Normal", [-0.5, 1.3], [1.8, 0.4], values=None),
    "OneHotCategorical": of("OneHotCategorical", [0.5, 0.1, 0.4], values=None),
    "Pareto": of("Pareto", [0.2, 0.9], [0.5, 1.7], values=None),
    "Poisson": of("Poisson", [1.7, 0.4], values=None),
    "TransformedDistribution": of("LogNormal", [-0.5, 1.3], [1.8, 0.4], values=None),
    "Uniform": of("Uniform", [-2.0, 0.4], [0.5, 0.6], values=None),
}


@pytest.mark.parametrize("name", OTHERS)
def test_divergences_within_a_family_are_the_same(name: str) -> None:
    def calls(lib: Any) -> dict[str, Any]:
        kl = lib.distributions.kl_divergence
        return {
            "there": lambda: kl(PAIRS[name].make(lib), OTHERS[name].make(lib)),
            "back": lambda: kl(OTHERS[name].make(lib), PAIRS[name].make(lib)),
        }

    all_the_same(calls)


def test_the_same_pairs_are_declared() -> None:
    ours, theirs = (
        {(p.__name__, q.__name__) for p, q in pairs}
        for pairs in (fxtorch.distributions.kl._registry, torch.distributions.kl._KL_REGISTRY)
    )
    assert ours == theirs


TRANSFORMS = {
    "abs": (lambda d, lib: d.AbsTransform(), [-0.4, 1.5]),
    "affine": (lambda d, lib: d.AffineTransform(t(lib, 0.3), t(lib, [-2.0, 0.5])), [-0.4, 1.5]),
    "affine of numbers": (lambda d, lib: d.AffineTransform(1.0, -2.0, event_dim=1), [[-0.4, 1.5]]),
    "cat": (lambda d, lib: d.CatTransform([d.ExpTransform(), d.TanhTransform()], 0, [1, 2]), [0.2, 0.3, -0.5]),
    "compose": (lambda d, lib: d.ComposeTransform([d.TanhTransform(), d.AffineTransform(2.0, 1.0)]), [-0.4, 1.5]),
    "compose of simplices": (
        lambda d, lib: d.ComposeTransform([d.AffineTransform(0.5, 2.0), d.StickBreakingTransform()]),
        [[-0.4, 1.5]],
    ),
    "correlations": (lambda d, lib: d.CorrCholeskyTransform(), [[0.2, -0.3, 0.5], [1.0, 0.1, -2.0]]),
    "cumulative": (lambda d, lib: d.CumulativeDistributionTransform(d.Normal(t(lib, 0.0), t(lib, 1.0))), [-0.4, 1.5]),
    "exp": (lambda d, lib: d.ExpTransform(), [-0.4, 1.5]),
    "identity": (lambda d, lib: d.identity_transform, [-0.4, 1.5]),
    "independent": (lambda d, lib: d.IndependentTransform(d.ExpTransform(), 1), [[-0.4, 1.5]]),
    "lower cholesky": (lambda d, lib: d.LowerCholeskyTransform(), [[0.3, 0.1], [-0.4, 1.5]]),
    "positive definite": (lambda d, lib: d.PositiveDefiniteTransform(), [[0.3, 0.0], [-0.4, 1.5]]),
    "power": (lambda d, lib: d.PowerTransform(t(lib, [2.0, -0.5])), [0.4, 1.5]),
    "reshape": (lambda d, lib: d.ReshapeTransform((4,), (2, 2)), [[0.1, 0.2, 0.3, 0.4]]),
    "sigmoid": (lambda d, lib: d.SigmoidTransform(), [-0.4, 1.5]),
    "softmax": (lambda d, lib: d.SoftmaxTransform(), [-0.4, 1.5]),
    "softplus": (lambda d, lib: d.SoftplusTransform(), [-0.4, 1.5]),
    "stack": (lambda d, lib: d.StackTransform([d.ExpTransform(), d.TanhTransform()], 0), [0.2, 0.3]),
    "stick breaking": (lambda d, lib: d.StickBreakingTransform(), [[-0.4, 1.5], [0.0, 0.0]]),
    "tanh": (lambda d, lib: d.TanhTransform(), [-0.4, 1.5]),
    "an inverse": (lambda d, lib: d.SigmoidTransform().inv, [0.4, 0.9]),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_are_the_same(name: str) -> None:
    make, values = TRANSFORMS[name]

    def calls(lib: Any) -> dict[str, Any]:
        f = lambda: make(lib.distributions, lib)  # noqa: E731
        x = lambda: t(lib, values)  # noqa: E731
        return {
            "f": lambda: f()(x()),
            "back": lambda: f().inv(f()(x())),
            "volume": lambda: f().log_abs_det_jacobian(x(), f()(x())),
            "volume back": lambda: f().inv.log_abs_det_jacobian(f()(x()), x()),
        }

    all_the_same(calls)
    transforms = {lib: make(lib.distributions, lib) for lib in LIBRARIES}
    for attribute in ("domain", "codomain", "bijective", "sign", "event_dim", "inv"):
        both(lambda lib, a=attribute: getattr(transforms[lib], a))
    shape = np.shape(values)
    both(lambda lib: tuple(transforms[lib].forward_shape(lib.Size(shape))))
    both(lambda lib: repr(transforms[lib]))


CONSTRAINTS = {
    "boolean": [0.0, 1.0, 2.0, float("nan")],
    "corr_cholesky": [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.6, 0.9]], [[1.0, 0.1], [0.6, 0.8]]],
    "lower_cholesky": [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.6, -0.9]], [[1.0, 0.1], [0.6, 0.8]]],
    "lower_triangular": [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.1], [0.6, 0.8]]],
    "nonnegative": [0.0, -1.0, 2.0],
    "nonnegative_integer": [0.0, -1.0, 2.0, 0.5],
    "one_hot": [[0.0, 1.0], [1.0, 1.0], [0.5, 0.5]],
    "positive": [0.0, -1.0, 2.0],
    "positive_definite": [[[1.0, 0.0], [0.0, 0.8]], [[1.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [2.0, 0.8]]],
    "positive_integer": [0.0, 1.0, 1.5],
    "positive_semidefinite": [[[1.0, 0.0], [0.0, 0.8]], [[1.0, 0.0], [0.0, -1.0]], [[1.0, 2.0], [2.0, 0.8]]],
    "real": [0.0, float("nan"), float("inf")],
    "real_vector": [[0.0, float("nan")], [1.0, 2.0]],
    "simplex": [[0.3, 0.7], [0.3, 0.6], [-0.5, 1.5]],
    "square": [[[1.0, 0.0], [0.6, 0.8]]],
    "symmetric": [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.6], [0.6, 0.8]]],
    "unit_interval": [0.0, -1.0, 2.0, 0.3],
}
MADE = {
    "cat": (lambda c: c.cat([c.positive, c.real], 0, [1, 2]), [0.0, 1.0, float("nan")]),
    "greater_than": (lambda c: c.greater_than(1.0), [1.0, 2.0]),
    "half_open_interval": (lambda c: c.half_open_interval(0.0, 1.0), [0.0, 1.0]),
    "independent": (lambda c: c.independent(c.positive, 1), [[1.0, 2.0], [-1.0, 2.0]]),
    "integer_interval": (lambda c: c.integer_interval(1, 3), [0.0, 1.0, 3.0, 4.0, 1.5]),
    "interval": (lambda c: c.interval(0.0, 1.0), [0.0, 1.0, 1.1]),
    "less_than": (lambda c: c.less_than(1.0), [1.0, 0.0]),
    "mixture": (lambda c: c.MixtureSameFamilyConstraint(c.positive), [1.0, -1.0]),
    "multinomial": (lambda c: c.multinomial(3), [[1.0, 2.0], [3.0, 1.0], [-1.0, 2.0]]),
    "stack": (lambda c: c.stack([c.positive, c.real], 0), [-1.0, -1.0]),
}


@pytest.mark.parametrize("name", [*CONSTRAINTS, *MADE])
def test_constraints_are_the_same(name: str) -> None:
    def made(lib: Any) -> Any:
        space = lib.distributions.constraints
        return getattr(space, name) if name in CONSTRAINTS else MADE[name][0](space)

    values = CONSTRAINTS[name] if name in CONSTRAINTS else MADE[name][1]
    both(lambda lib: made(lib).check(t(lib, values)))
    both(lambda lib: (repr(made(lib)), made(lib).is_discrete, made(lib).event_dim))
    for registry in ("biject_to", "transform_to"):
        both(lambda lib, r=registry: repr(getattr(lib.distributions, r)(made(lib))))


ERRORS = {
    "a parameter outside": lambda d, lib: d.Normal(t(lib, [0.0, 0.0]), t(lib, [-1.0, 1.0])),
    "a value of the wrong shape": lambda d, lib: d.Normal(t(lib, [0.0, 0.0]), 1.0).log_prob(t(lib, [1.0, 2.0, 3.0])),
    "a value outside": lambda d, lib: d.Normal(t(lib, [0.0]), 1.0).log_prob(t(lib, [float("nan")])),
    "a number": lambda d, lib: d.Normal(t(lib, 0.0), 1.0).log_prob(1.0),
    "a wrong event": lambda d, lib: d.Dirichlet(t(lib, [1.0, 1.0])).log_prob(t(lib, [0.2, 0.3, 0.5])),
    "neither": lambda d, lib: d.Bernoulli(),
    "both": lambda d, lib: d.Geometric(0.3, 0.4),
    "no dimension": lambda d, lib: d.Categorical(t(lib, 1.0)),
    "no such class": lambda d, lib: d.Categorical(t(lib, [1.0, 2.0])).log_prob(lib.tensor(3)),
    "no matrix": lambda d, lib: d.MultivariateNormal(t(lib, [0.0])),
    "a vector for a matrix": lambda d, lib: d.MultivariateNormal(t(lib, [0.0]), scale_tril=t(lib, [0.0])),
    "no mean": lambda d, lib: d.MultivariateNormal(t(lib, 0.0), t(lib, [[1.0]])),
    "many counts": lambda d, lib: d.Multinomial(lib.tensor(3), t(lib, [0.5, 0.5])),
    "different counts": lambda d, lib: d.Binomial(lib.tensor([2, 3]), t(lib, 0.2)).enumerate_support(),
    "too many dimensions": lambda d, lib: d.Independent(d.Normal(t(lib, 0.0), 1.0), 1),
    "too small": lambda d, lib: d.LKJCholesky(1),
    "too few degrees": lambda d, lib: d.Wishart(t(lib, 0.5), t(lib, [[1.0, 0.0], [0.0, 1.0]])),
    "a wrong factor": lambda d, lib: d.LowRankMultivariateNormal(
        t(lib, [0.0, 0.0]), t(lib, [[1.0]]), t(lib, [1.0, 1.0])
    ),
    "no categorical": lambda d, lib: d.MixtureSameFamily(d.Normal(0.0, 1.0), d.Normal(0.0, 1.0)),
    "other components": lambda d, lib: d.MixtureSameFamily(
        d.Categorical(t(lib, [1.0, 1.0])), d.Normal(t(lib, [0.0] * 3), 1.0)
    ),
    "no transform": lambda d, lib: d.TransformedDistribution(d.Normal(t(lib, 0.0), 1.0), 1),
    "no dimension to transform": lambda d, lib: d.TransformedDistribution(
        d.Normal(t(lib, 0.0), 1.0), [d.StickBreakingTransform()]
    ),
    "an empty interval": lambda d, lib: d.Uniform(t(lib, 2.0), 1.0),
    "text": lambda d, lib: d.Uniform("a", 1.0),
    "no success": lambda d, lib: d.Geometric(t(lib, 0.0)),
    "no transform into it": lambda d, lib: d.biject_to(d.constraints.dependent),
    "no constraint": lambda d, lib: d.transform_to.register(1, 2),
    "no such divergence": lambda d, lib: d.kl_divergence(d.Cauchy(t(lib, 0.0), 1.0), d.Weibull(t(lib, 1.0), 1.0)),
    "a wrong cache": lambda d, lib: d.ExpTransform(cache_size=2),
    "a wrong shape": lambda d, lib: d.ReshapeTransform((2,), (3,)),
    "a wrong expansion": lambda d, lib: d.Normal(t(lib, [0.0, 0.0]), 1.0).expand((3,)),
    "a dependent constraint": lambda d, lib: d.constraints.dependent.check(1),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors_say_the_same(name: str) -> None:
    said = []
    for lib in LIBRARIES:
        with pytest.raises(Exception) as raised:
            ERRORS[name](lib.distributions, lib)
        said.append((raised.type.__name__, str(raised.value).replace(", dtype=torch.float64", "")))
    assert said[0] == said[1]


def test_lists_of_the_lower_triangle_are_the_same() -> None:
    for diag in (-1, 0, 1):
        both(lambda lib, d=diag: lib.distributions.utils.tril_matrix_to_vec(lib.arange(16.0).reshape(4, 4), d))
        both(
            lambda lib, d=diag: lib.distributions.utils.vec_to_tril_matrix(
                lib.distributions.utils.tril_matrix_to_vec(lib.arange(16.0).reshape(4, 4), d), d
            )
        )
