"""The transforms as functions of pictures: torchvision.transforms.functional."""

from fxtorch.vision.transforms._color import adjust_brightness as adjust_brightness
from fxtorch.vision.transforms._color import adjust_contrast as adjust_contrast
from fxtorch.vision.transforms._color import adjust_gamma as adjust_gamma
from fxtorch.vision.transforms._color import adjust_hue as adjust_hue
from fxtorch.vision.transforms._color import adjust_saturation as adjust_saturation
from fxtorch.vision.transforms._color import adjust_sharpness as adjust_sharpness
from fxtorch.vision.transforms._color import autocontrast as autocontrast
from fxtorch.vision.transforms._color import equalize as equalize
from fxtorch.vision.transforms._color import erase as erase
from fxtorch.vision.transforms._color import gaussian_blur as gaussian_blur
from fxtorch.vision.transforms._color import invert as invert
from fxtorch.vision.transforms._color import posterize as posterize
from fxtorch.vision.transforms._color import rgb_to_grayscale as rgb_to_grayscale
from fxtorch.vision.transforms._color import solarize as solarize
from fxtorch.vision.transforms._color import to_grayscale as to_grayscale
from fxtorch.vision.transforms._conversion import convert_image_dtype as convert_image_dtype
from fxtorch.vision.transforms._conversion import normalize as normalize
from fxtorch.vision.transforms._conversion import pil_to_tensor as pil_to_tensor
from fxtorch.vision.transforms._conversion import to_pil_image as to_pil_image
from fxtorch.vision.transforms._conversion import to_tensor as to_tensor
from fxtorch.vision.transforms._geometry import center_crop as center_crop
from fxtorch.vision.transforms._geometry import crop as crop
from fxtorch.vision.transforms._geometry import five_crop as five_crop
from fxtorch.vision.transforms._geometry import hflip as hflip
from fxtorch.vision.transforms._geometry import pad as pad
from fxtorch.vision.transforms._geometry import resize as resize
from fxtorch.vision.transforms._geometry import resized_crop as resized_crop
from fxtorch.vision.transforms._geometry import ten_crop as ten_crop
from fxtorch.vision.transforms._geometry import vflip as vflip
from fxtorch.vision.transforms._inputs import InterpolationMode as InterpolationMode
from fxtorch.vision.transforms._inputs import get_dimensions as get_dimensions
from fxtorch.vision.transforms._inputs import get_image_num_channels as get_image_num_channels
from fxtorch.vision.transforms._inputs import get_image_size as get_image_size
from fxtorch.vision.transforms._warp import affine as affine
from fxtorch.vision.transforms._warp import elastic as elastic
from fxtorch.vision.transforms._warp import perspective as perspective
from fxtorch.vision.transforms._warp import rotate as rotate

elastic_transform = elastic
