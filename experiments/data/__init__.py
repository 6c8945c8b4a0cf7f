"""The data of the seven systems: where it lies on this machine, else a stand-in that says what it is."""

from experiments.data.cifar10 import CIFAR10
from experiments.data.embedded import breast_cancer, diabetes
from experiments.data.imdb import IMDB
from experiments.data.mnist import MNIST
from experiments.data.movielens import MOVIELENS

__all__ = ["CIFAR10", "IMDB", "MNIST", "MOVIELENS", "breast_cancer", "diabetes"]
