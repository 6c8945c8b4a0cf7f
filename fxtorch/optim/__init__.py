"""torch's optimizers, each an optax transformation, their schedulers, and any optax optimizer."""

from fxtorch.optim import lr_scheduler as lr_scheduler
from fxtorch.optim import swa_utils as swa_utils
from fxtorch.optim.adadelta import Adadelta as Adadelta
from fxtorch.optim.adafactor import Adafactor as Adafactor
from fxtorch.optim.adagrad import Adagrad as Adagrad
from fxtorch.optim.adam import Adam as Adam
from fxtorch.optim.adamax import Adamax as Adamax
from fxtorch.optim.adamw import AdamW as AdamW
from fxtorch.optim.any_optax import Optax as Optax
from fxtorch.optim.asgd import ASGD as ASGD
from fxtorch.optim.lbfgs import LBFGS as LBFGS
from fxtorch.optim.muon import Muon as Muon
from fxtorch.optim.nadam import NAdam as NAdam
from fxtorch.optim.optimizer import Optimizer as Optimizer
from fxtorch.optim.radam import RAdam as RAdam
from fxtorch.optim.rmsprop import RMSprop as RMSprop
from fxtorch.optim.rprop import Rprop as Rprop
from fxtorch.optim.sgd import SGD as SGD
from fxtorch.optim.sparse_adam import SparseAdam as SparseAdam
from fxtorch.optim.stateless import swap_in_optimizer_params_and_state as swap_in_optimizer_params_and_state
