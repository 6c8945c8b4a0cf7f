"""torch.nn.parallel: DataParallel on the one device that a process works on, and one model over several processes."""

from fxtorch.nn.parallel.data_parallel import DataParallel as DataParallel
from fxtorch.nn.parallel.data_parallel import data_parallel as data_parallel
from fxtorch.nn.parallel.distributed import DistributedDataParallel as DistributedDataParallel
from fxtorch.nn.parallel.parallel_apply import parallel_apply as parallel_apply
from fxtorch.nn.parallel.replicate import replicate as replicate
from fxtorch.nn.parallel.scatter_gather import gather as gather
from fxtorch.nn.parallel.scatter_gather import scatter as scatter
