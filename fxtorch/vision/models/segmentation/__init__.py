"""Models that classify every pixel: torchvision.models.segmentation."""

from fxtorch.vision.models.segmentation.deeplabv3 import DeepLabV3 as DeepLabV3
from fxtorch.vision.models.segmentation.deeplabv3 import (
    DeepLabV3_MobileNet_V3_Large_Weights as DeepLabV3_MobileNet_V3_Large_Weights,
)
from fxtorch.vision.models.segmentation.deeplabv3 import DeepLabV3_ResNet50_Weights as DeepLabV3_ResNet50_Weights
from fxtorch.vision.models.segmentation.deeplabv3 import DeepLabV3_ResNet101_Weights as DeepLabV3_ResNet101_Weights
from fxtorch.vision.models.segmentation.deeplabv3 import deeplabv3_mobilenet_v3_large as deeplabv3_mobilenet_v3_large
from fxtorch.vision.models.segmentation.deeplabv3 import deeplabv3_resnet50 as deeplabv3_resnet50
from fxtorch.vision.models.segmentation.deeplabv3 import deeplabv3_resnet101 as deeplabv3_resnet101
from fxtorch.vision.models.segmentation.fcn import FCN as FCN
from fxtorch.vision.models.segmentation.fcn import FCN_ResNet50_Weights as FCN_ResNet50_Weights
from fxtorch.vision.models.segmentation.fcn import FCN_ResNet101_Weights as FCN_ResNet101_Weights
from fxtorch.vision.models.segmentation.fcn import fcn_resnet50 as fcn_resnet50
from fxtorch.vision.models.segmentation.fcn import fcn_resnet101 as fcn_resnet101
from fxtorch.vision.models.segmentation.lraspp import LRASPP as LRASPP
from fxtorch.vision.models.segmentation.lraspp import (
    LRASPP_MobileNet_V3_Large_Weights as LRASPP_MobileNet_V3_Large_Weights,
)
from fxtorch.vision.models.segmentation.lraspp import lraspp_mobilenet_v3_large as lraspp_mobilenet_v3_large
