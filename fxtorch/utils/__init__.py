"""What surrounds the training: data."""

from fxtorch.utils import data as data
