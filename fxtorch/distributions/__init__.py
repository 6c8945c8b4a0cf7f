"""torch.distributions: distributions, transforms, and divergences, on fxtorch's operators.

Log-probabilities and reparametrised samples are differentiable, eagerly and within ``fxtorch.jit``; draws come from
the default Generator.
"""

from fxtorch.distributions import (  # noqa: F401
    constraint_registry,
    constraints,
    kl,
    kl_across_families,
    kl_within_families,
    transforms,
    utils,
)
from fxtorch.distributions.bernoulli import Bernoulli
from fxtorch.distributions.beta import Beta
from fxtorch.distributions.binomial import Binomial
from fxtorch.distributions.categorical import Categorical
from fxtorch.distributions.cauchy import Cauchy
from fxtorch.distributions.chi2 import Chi2
from fxtorch.distributions.constraint_registry import biject_to, transform_to
from fxtorch.distributions.continuous_bernoulli import ContinuousBernoulli
from fxtorch.distributions.dirichlet import Dirichlet
from fxtorch.distributions.distribution import Distribution
from fxtorch.distributions.exp_family import ExponentialFamily
from fxtorch.distributions.exponential import Exponential
from fxtorch.distributions.fishersnedecor import FisherSnedecor
from fxtorch.distributions.gamma import Gamma
from fxtorch.distributions.generalized_pareto import GeneralizedPareto
from fxtorch.distributions.geometric import Geometric
from fxtorch.distributions.gumbel import Gumbel
from fxtorch.distributions.half_cauchy import HalfCauchy
from fxtorch.distributions.half_normal import HalfNormal
from fxtorch.distributions.independent import Independent
from fxtorch.distributions.inverse_gamma import InverseGamma
from fxtorch.distributions.kl import kl_divergence, register_kl
from fxtorch.distributions.kumaraswamy import Kumaraswamy
from fxtorch.distributions.laplace import Laplace
from fxtorch.distributions.lkj_cholesky import LKJCholesky
from fxtorch.distributions.log_normal import LogNormal
from fxtorch.distributions.logistic_normal import LogisticNormal
from fxtorch.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from fxtorch.distributions.mixture_same_family import MixtureSameFamily
from fxtorch.distributions.multinomial import Multinomial
from fxtorch.distributions.multivariate_normal import MultivariateNormal
from fxtorch.distributions.negative_binomial import NegativeBinomial
from fxtorch.distributions.normal import Normal
from fxtorch.distributions.one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from fxtorch.distributions.pareto import Pareto
from fxtorch.distributions.poisson import Poisson
from fxtorch.distributions.relaxed_bernoulli import RelaxedBernoulli
from fxtorch.distributions.relaxed_categorical import RelaxedOneHotCategorical
from fxtorch.distributions.studentT import StudentT
from fxtorch.distributions.transformed_distribution import TransformedDistribution
from fxtorch.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)
from fxtorch.distributions.uniform import Uniform
from fxtorch.distributions.von_mises import VonMises
from fxtorch.distributions.weibull import Weibull
from fxtorch.distributions.wishart import Wishart

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "Bernoulli",
    "Beta",
    "Binomial",
    "CatTransform",
    "Categorical",
    "Cauchy",
    "Chi2",
    "ComposeTransform",
    "ContinuousBernoulli",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "Dirichlet",
    "Distribution",
    "ExpTransform",
    "Exponential",
    "ExponentialFamily",
    "FisherSnedecor",
    "Gamma",
    "GeneralizedPareto",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "IndependentTransform",
    "InverseGamma",
    "Kumaraswamy",
    "LKJCholesky",
    "Laplace",
    "LogNormal",
    "LogisticNormal",
    "LowRankMultivariateNormal",
    "LowerCholeskyTransform",
    "MixtureSameFamily",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Pareto",
    "Poisson",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "StudentT",
    "TanhTransform",
    "Transform",
    "TransformedDistribution",
    "Uniform",
    "VonMises",
    "Weibull",
    "Wishart",
    "biject_to",
    "identity_transform",
    "kl_divergence",
    "register_kl",
    "transform_to",
]
