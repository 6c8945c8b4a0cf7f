"""Data sets of pictures, read from their published files: torchvision.datasets."""

from fxtorch.vision.datasets.celeba import CelebA as CelebA
from fxtorch.vision.datasets.cifar import CIFAR10 as CIFAR10
from fxtorch.vision.datasets.cifar import CIFAR100 as CIFAR100
from fxtorch.vision.datasets.coco import CocoCaptions as CocoCaptions
from fxtorch.vision.datasets.coco import CocoDetection as CocoDetection
from fxtorch.vision.datasets.emnist import EMNIST as EMNIST
from fxtorch.vision.datasets.folder import DatasetFolder as DatasetFolder
from fxtorch.vision.datasets.folder import ImageFolder as ImageFolder
from fxtorch.vision.datasets.generated import FakeData as FakeData
from fxtorch.vision.datasets.matlab import SVHN as SVHN
from fxtorch.vision.datasets.matlab import Flowers102 as Flowers102
from fxtorch.vision.datasets.mnist import KMNIST as KMNIST
from fxtorch.vision.datasets.mnist import MNIST as MNIST
from fxtorch.vision.datasets.mnist import FashionMNIST as FashionMNIST
from fxtorch.vision.datasets.stl10 import STL10 as STL10
from fxtorch.vision.datasets.vision import VisionDataset as VisionDataset
from fxtorch.vision.datasets.voc import VOCDetection as VOCDetection
from fxtorch.vision.datasets.voc import VOCSegmentation as VOCSegmentation
