"""What surrounds the training: data, checkpoints, weights from the hub, event files."""

from fxtorch.utils import benchmark as benchmark
from fxtorch.utils import checkpoint as checkpoint
from fxtorch.utils import cpp_extension as cpp_extension
from fxtorch.utils import data as data
from fxtorch.utils import hooks as hooks
from fxtorch.utils import model_zoo as model_zoo
from fxtorch.utils import tensorboard as tensorboard
from fxtorch.utils.swapping import swap_tensors as swap_tensors
