"""Datasets, samplers, and DataLoader."""

from fxtorch.utils.data.collate import default_collate as default_collate
from fxtorch.utils.data.collate import default_convert as default_convert
from fxtorch.utils.data.dataloader import DataLoader as DataLoader
from fxtorch.utils.data.dataset import ChainDataset as ChainDataset
from fxtorch.utils.data.dataset import ConcatDataset as ConcatDataset
from fxtorch.utils.data.dataset import Dataset as Dataset
from fxtorch.utils.data.dataset import IterableDataset as IterableDataset
from fxtorch.utils.data.dataset import StackDataset as StackDataset
from fxtorch.utils.data.dataset import Subset as Subset
from fxtorch.utils.data.dataset import TensorDataset as TensorDataset
from fxtorch.utils.data.dataset import random_split as random_split
from fxtorch.utils.data.sampler import BatchSampler as BatchSampler
from fxtorch.utils.data.sampler import DistributedSampler as DistributedSampler
from fxtorch.utils.data.sampler import RandomSampler as RandomSampler
from fxtorch.utils.data.sampler import Sampler as Sampler
from fxtorch.utils.data.sampler import SequentialSampler as SequentialSampler
from fxtorch.utils.data.sampler import SubsetRandomSampler as SubsetRandomSampler
from fxtorch.utils.data.sampler import WeightedRandomSampler as WeightedRandomSampler
from fxtorch.utils.data.worker import get_worker_info as get_worker_info
