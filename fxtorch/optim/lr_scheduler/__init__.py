"""torch's learning-rate schedulers, one file a family."""

from fxtorch.optim.lr_scheduler.base import LRScheduler as LRScheduler
from fxtorch.optim.lr_scheduler.compose import ChainedScheduler as ChainedScheduler
from fxtorch.optim.lr_scheduler.compose import SequentialLR as SequentialLR
from fxtorch.optim.lr_scheduler.cosine import CosineAnnealingLR as CosineAnnealingLR
from fxtorch.optim.lr_scheduler.cosine import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from fxtorch.optim.lr_scheduler.cyclic import CyclicLR as CyclicLR
from fxtorch.optim.lr_scheduler.decay import ExponentialLR as ExponentialLR
from fxtorch.optim.lr_scheduler.decay import LinearLR as LinearLR
from fxtorch.optim.lr_scheduler.decay import PolynomialLR as PolynomialLR
from fxtorch.optim.lr_scheduler.lambdas import LambdaLR as LambdaLR
from fxtorch.optim.lr_scheduler.lambdas import MultiplicativeLR as MultiplicativeLR
from fxtorch.optim.lr_scheduler.one_cycle import OneCycleLR as OneCycleLR
from fxtorch.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from fxtorch.optim.lr_scheduler.steps import ConstantLR as ConstantLR
from fxtorch.optim.lr_scheduler.steps import MultiStepLR as MultiStepLR
from fxtorch.optim.lr_scheduler.steps import StepLR as StepLR

_LRScheduler = LRScheduler  # its older name
