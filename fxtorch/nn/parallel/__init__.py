"""torch.nn.parallel: DataParallel on the one device that a process works on."""

from fxtorch.nn.parallel.data_parallel import DataParallel as DataParallel
from fxtorch.nn.parallel.data_parallel import data_parallel as data_parallel
