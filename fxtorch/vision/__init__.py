"""What torchvision gives: data sets, transforms, models and operators."""

from fxtorch.vision import datasets as datasets
from fxtorch.vision import io as io
from fxtorch.vision import models as models
from fxtorch.vision import ops as ops
from fxtorch.vision import transforms as transforms
from fxtorch.vision import tv_tensors as tv_tensors
from fxtorch.vision import utils as utils
from fxtorch.vision.transforms import v2 as v2

__version__ = "0.28.0"  # the torchvision whose names these are


def set_image_backend(backend: str) -> None:
    """Pillow reads pictures; there is no other way.

    Raises:
        ValueError: another one is asked for.
    """
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL'")


def get_image_backend() -> str:
    """What reads pictures: ``"PIL"``."""
    return "PIL"


def disable_beta_transforms_warning() -> None:
    """Nothing: there is no such warning."""
