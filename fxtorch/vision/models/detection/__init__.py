"""Models that find objects: torchvision.models.detection."""

from fxtorch.vision.models.detection.faster_rcnn import FasterRCNN as FasterRCNN
from fxtorch.vision.models.detection.faster_rcnn import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights as FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
)
from fxtorch.vision.models.detection.faster_rcnn import (
    FasterRCNN_MobileNet_V3_Large_FPN_Weights as FasterRCNN_MobileNet_V3_Large_FPN_Weights,
)
from fxtorch.vision.models.detection.faster_rcnn import (
    FasterRCNN_ResNet50_FPN_V2_Weights as FasterRCNN_ResNet50_FPN_V2_Weights,
)
from fxtorch.vision.models.detection.faster_rcnn import (
    FasterRCNN_ResNet50_FPN_Weights as FasterRCNN_ResNet50_FPN_Weights,
)
from fxtorch.vision.models.detection.faster_rcnn import (
    fasterrcnn_mobilenet_v3_large_320_fpn as fasterrcnn_mobilenet_v3_large_320_fpn,
)
from fxtorch.vision.models.detection.faster_rcnn import (
    fasterrcnn_mobilenet_v3_large_fpn as fasterrcnn_mobilenet_v3_large_fpn,
)
from fxtorch.vision.models.detection.faster_rcnn import fasterrcnn_resnet50_fpn as fasterrcnn_resnet50_fpn
from fxtorch.vision.models.detection.faster_rcnn import fasterrcnn_resnet50_fpn_v2 as fasterrcnn_resnet50_fpn_v2
from fxtorch.vision.models.detection.fcos import FCOS as FCOS
from fxtorch.vision.models.detection.fcos import FCOS_ResNet50_FPN_Weights as FCOS_ResNet50_FPN_Weights
from fxtorch.vision.models.detection.fcos import fcos_resnet50_fpn as fcos_resnet50_fpn
from fxtorch.vision.models.detection.keypoint_rcnn import KeypointRCNN as KeypointRCNN
from fxtorch.vision.models.detection.keypoint_rcnn import (
    KeypointRCNN_ResNet50_FPN_Weights as KeypointRCNN_ResNet50_FPN_Weights,
)
from fxtorch.vision.models.detection.keypoint_rcnn import keypointrcnn_resnet50_fpn as keypointrcnn_resnet50_fpn
from fxtorch.vision.models.detection.mask_rcnn import MaskRCNN as MaskRCNN
from fxtorch.vision.models.detection.mask_rcnn import (
    MaskRCNN_ResNet50_FPN_V2_Weights as MaskRCNN_ResNet50_FPN_V2_Weights,
)
from fxtorch.vision.models.detection.mask_rcnn import MaskRCNN_ResNet50_FPN_Weights as MaskRCNN_ResNet50_FPN_Weights
from fxtorch.vision.models.detection.mask_rcnn import maskrcnn_resnet50_fpn as maskrcnn_resnet50_fpn
from fxtorch.vision.models.detection.mask_rcnn import maskrcnn_resnet50_fpn_v2 as maskrcnn_resnet50_fpn_v2
from fxtorch.vision.models.detection.retinanet import RetinaNet as RetinaNet
from fxtorch.vision.models.detection.retinanet import (
    RetinaNet_ResNet50_FPN_V2_Weights as RetinaNet_ResNet50_FPN_V2_Weights,
)
from fxtorch.vision.models.detection.retinanet import RetinaNet_ResNet50_FPN_Weights as RetinaNet_ResNet50_FPN_Weights
from fxtorch.vision.models.detection.retinanet import retinanet_resnet50_fpn as retinanet_resnet50_fpn
from fxtorch.vision.models.detection.retinanet import retinanet_resnet50_fpn_v2 as retinanet_resnet50_fpn_v2
from fxtorch.vision.models.detection.ssd import SSD300_VGG16_Weights as SSD300_VGG16_Weights
from fxtorch.vision.models.detection.ssd import ssd300_vgg16 as ssd300_vgg16
from fxtorch.vision.models.detection.ssdlite import (
    SSDLite320_MobileNet_V3_Large_Weights as SSDLite320_MobileNet_V3_Large_Weights,
)
from fxtorch.vision.models.detection.ssdlite import ssdlite320_mobilenet_v3_large as ssdlite320_mobilenet_v3_large
