"""Models that classify films: torchvision.models.video."""

from fxtorch.vision.models.video.resnet import MC3_18_Weights as MC3_18_Weights
from fxtorch.vision.models.video.resnet import R2Plus1D_18_Weights as R2Plus1D_18_Weights
from fxtorch.vision.models.video.resnet import R3D_18_Weights as R3D_18_Weights
from fxtorch.vision.models.video.resnet import VideoResNet as VideoResNet
from fxtorch.vision.models.video.resnet import mc3_18 as mc3_18
from fxtorch.vision.models.video.resnet import r2plus1d_18 as r2plus1d_18
from fxtorch.vision.models.video.resnet import r3d_18 as r3d_18
from fxtorch.vision.models.video.s3d import S3D as S3D
from fxtorch.vision.models.video.s3d import S3D_Weights as S3D_Weights
from fxtorch.vision.models.video.s3d import s3d as s3d
