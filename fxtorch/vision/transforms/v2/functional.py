"""The transforms as functions: torchvision.transforms.v2.functional."""

from fxtorch.vision.transforms import functional as _functional
from fxtorch.vision.transforms._conversion import to_dtype as to_dtype
from fxtorch.vision.transforms._conversion import to_image as to_image
from fxtorch.vision.transforms._geometry import clamp_bounding_boxes as clamp_bounding_boxes
from fxtorch.vision.transforms._geometry import convert_bounding_box_format as convert_bounding_box_format
from fxtorch.vision.transforms._inputs import get_size as get_size
from fxtorch.vision.transforms.functional import *  # noqa: F403
from fxtorch.vision.transforms.v2._distort import erase as erase
from fxtorch.vision.transforms.v2._distort import grayscale_to_rgb as grayscale_to_rgb
from fxtorch.vision.transforms.v2._distort import jpeg as jpeg
from fxtorch.vision.transforms.v2._distort import permute_channels as permute_channels
from fxtorch.vision.transforms.v2._distort import uniform_temporal_subsample as uniform_temporal_subsample
from fxtorch.vision.transforms.v2._kernels import KERNELS as _KERNELS
from fxtorch.vision.transforms.v2._samples import gaussian_noise as gaussian_noise
from fxtorch.vision.transforms.v2._samples import sanitize_bounding_boxes as sanitize_bounding_boxes

horizontal_flip, vertical_flip = _functional.hflip, _functional.vflip
get_num_channels = _functional.get_image_num_channels
globals().update(_KERNELS)
