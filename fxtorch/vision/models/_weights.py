"""The checkpoints that torchvision publishes: name, file, what pictures go through, and how many classes there are.

Of several, the last is the default.  Source: torchvision's documentation of its models.
"""

from __future__ import annotations

from typing import Any

PUBLISHED: dict[str, tuple[tuple[str, str, str, dict[str, Any], int], ...]] = {
    "AlexNet_Weights": (("IMAGENET1K_V1", "alexnet-owt-7be5be79.pth", "classify", {"crop_size": 224}, 1000),),
    "ConvNeXt_Base_Weights": (
        ("IMAGENET1K_V1", "convnext_base-6075fbad.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ConvNeXt_Large_Weights": (
        ("IMAGENET1K_V1", "convnext_large-ea097f82.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ConvNeXt_Small_Weights": (
        ("IMAGENET1K_V1", "convnext_small-0c510722.pth", "classify", {"crop_size": 224, "resize_size": 230}, 1000),
    ),
    "ConvNeXt_Tiny_Weights": (
        ("IMAGENET1K_V1", "convnext_tiny-983f1562.pth", "classify", {"crop_size": 224, "resize_size": 236}, 1000),
    ),
    "DeepLabV3_MobileNet_V3_Large_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "deeplabv3_mobilenet_v3_large-fc3c493d.pth", "segment", {"resize_size": 520}, 21),
    ),
    "DeepLabV3_ResNet101_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "deeplabv3_resnet101_coco-586e9e4e.pth", "segment", {"resize_size": 520}, 21),
    ),
    "DeepLabV3_ResNet50_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "deeplabv3_resnet50_coco-cd0a2569.pth", "segment", {"resize_size": 520}, 21),
    ),
    "DenseNet121_Weights": (("IMAGENET1K_V1", "densenet121-a639ec97.pth", "classify", {"crop_size": 224}, 1000),),
    "DenseNet161_Weights": (("IMAGENET1K_V1", "densenet161-8d451a50.pth", "classify", {"crop_size": 224}, 1000),),
    "DenseNet169_Weights": (("IMAGENET1K_V1", "densenet169-b2777c0a.pth", "classify", {"crop_size": 224}, 1000),),
    "DenseNet201_Weights": (("IMAGENET1K_V1", "densenet201-c1103571.pth", "classify", {"crop_size": 224}, 1000),),
    "EfficientNet_B0_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_b0_rwightman-7f5810bc.pth",
            "classify",
            {"crop_size": 224, "resize_size": 256, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "EfficientNet_B1_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_b1_rwightman-bac287d4.pth",
            "classify",
            {"crop_size": 240, "resize_size": 256, "interpolation": "bicubic"},
            1000,
        ),
        ("IMAGENET1K_V2", "efficientnet_b1-c27df63c.pth", "classify", {"crop_size": 240, "resize_size": 255}, 1000),
    ),
    "EfficientNet_B2_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_b2_rwightman-c35c1473.pth",
            "classify",
            {"crop_size": 288, "resize_size": 288, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "EfficientNet_B3_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_b3_rwightman-b3899882.pth",
            "classify",
            {"crop_size": 300, "resize_size": 320, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "EfficientNet_B4_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_b4_rwightman-23ab8bcd.pth",
            "classify",
            {"crop_size": 380, "resize_size": 384, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "EfficientNet_B5_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_b5_lukemelas-1a07897c.pth",
            "classify",
            {"crop_size": 456, "resize_size": 456, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "EfficientNet_B6_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_b6_lukemelas-24a108a5.pth",
            "classify",
            {"crop_size": 528, "resize_size": 528, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "EfficientNet_B7_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_b7_lukemelas-c5b4e57e.pth",
            "classify",
            {"crop_size": 600, "resize_size": 600, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "EfficientNet_V2_L_Weights": (
        (
            "IMAGENET1K_V1",
            "efficientnet_v2_l-59c71312.pth",
            "classify",
            {
                "crop_size": 480,
                "resize_size": 480,
                "interpolation": "bicubic",
                "mean": (0.5, 0.5, 0.5),
                "std": (0.5, 0.5, 0.5),
            },
            1000,
        ),
    ),
    "EfficientNet_V2_M_Weights": (
        ("IMAGENET1K_V1", "efficientnet_v2_m-dc08266a.pth", "classify", {"crop_size": 480, "resize_size": 480}, 1000),
    ),
    "EfficientNet_V2_S_Weights": (
        ("IMAGENET1K_V1", "efficientnet_v2_s-dd5fe13b.pth", "classify", {"crop_size": 384, "resize_size": 384}, 1000),
    ),
    "FasterRCNN_MobileNet_V3_Large_320_FPN_Weights": (
        ("COCO_V1", "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth", "detect", {}, 91),
    ),
    "FasterRCNN_MobileNet_V3_Large_FPN_Weights": (
        ("COCO_V1", "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth", "detect", {}, 91),
    ),
    "FasterRCNN_ResNet50_FPN_Weights": (("COCO_V1", "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth", "detect", {}, 91),),
    "FasterRCNN_ResNet50_FPN_V2_Weights": (
        ("COCO_V1", "fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth", "detect", {}, 91),
    ),
    "FCOS_ResNet50_FPN_Weights": (("COCO_V1", "fcos_resnet50_fpn_coco-99b0c9b7.pth", "detect", {}, 91),),
    "KeypointRCNN_ResNet50_FPN_Weights": (
        ("COCO_LEGACY", "keypointrcnn_resnet50_fpn_coco-9f466800.pth", "detect", {}, 2),
        ("COCO_V1", "keypointrcnn_resnet50_fpn_coco-fc266e95.pth", "detect", {}, 2),
    ),
    "MC3_18_Weights": (
        ("KINETICS400_V1", "mc3_18-a90a0ba3.pth", "film", {"crop_size": (112, 112), "resize_size": (128, 171)}, 400),
    ),
    "MaxVit_T_Weights": (
        (
            "IMAGENET1K_V1",
            "maxvit_t-bc5ab103.pth",
            "classify",
            {"crop_size": 224, "resize_size": 224, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "R2Plus1D_18_Weights": (
        (
            "KINETICS400_V1",
            "r2plus1d_18-91a641e6.pth",
            "film",
            {"crop_size": (112, 112), "resize_size": (128, 171)},
            400,
        ),
    ),
    "R3D_18_Weights": (
        ("KINETICS400_V1", "r3d_18-b3b3357e.pth", "film", {"crop_size": (112, 112), "resize_size": (128, 171)}, 400),
    ),
    "S3D_Weights": (
        ("KINETICS400_V1", "s3d-d76dad2f.pth", "film", {"crop_size": (224, 224), "resize_size": (256, 256)}, 400),
    ),
    "SSD300_VGG16_Weights": (("COCO_V1", "ssd300_vgg16_coco-b556d3b4.pth", "detect", {}, 91),),
    "SSDLite320_MobileNet_V3_Large_Weights": (
        ("COCO_V1", "ssdlite320_mobilenet_v3_large_coco-a79551df.pth", "detect", {}, 91),
    ),
    "FCN_ResNet101_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "fcn_resnet101_coco-7ecb50ca.pth", "segment", {"resize_size": 520}, 21),
    ),
    "FCN_ResNet50_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "fcn_resnet50_coco-1167a1af.pth", "segment", {"resize_size": 520}, 21),
    ),
    "GoogLeNet_Weights": (("IMAGENET1K_V1", "googlenet-1378be20.pth", "classify", {"crop_size": 224}, 1000),),
    "Inception_V3_Weights": (
        ("IMAGENET1K_V1", "inception_v3_google-0cc3c7bd.pth", "classify", {"crop_size": 299, "resize_size": 342}, 1000),
    ),
    "LRASPP_MobileNet_V3_Large_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "lraspp_mobilenet_v3_large-d234d4ea.pth", "segment", {"resize_size": 520}, 21),
    ),
    "MaskRCNN_ResNet50_FPN_Weights": (("COCO_V1", "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", "detect", {}, 91),),
    "MaskRCNN_ResNet50_FPN_V2_Weights": (("COCO_V1", "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", "detect", {}, 91),),
    "MNASNet0_5_Weights": (
        ("IMAGENET1K_V1", "mnasnet0.5_top1_67.823-3ffadce67e.pth", "classify", {"crop_size": 224}, 1000),
    ),
    "MNASNet0_75_Weights": (
        ("IMAGENET1K_V1", "mnasnet0_75-7090bc5f.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "MNASNet1_0_Weights": (
        ("IMAGENET1K_V1", "mnasnet1.0_top1_73.512-f206786ef8.pth", "classify", {"crop_size": 224}, 1000),
    ),
    "MNASNet1_3_Weights": (
        ("IMAGENET1K_V1", "mnasnet1_3-a4c69d6f.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "MobileNet_V2_Weights": (
        ("IMAGENET1K_V1", "mobilenet_v2-b0353104.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "mobilenet_v2-7ebf99e0.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "MobileNet_V3_Large_Weights": (
        ("IMAGENET1K_V1", "mobilenet_v3_large-8738ca79.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "mobilenet_v3_large-5c1a4163.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "MobileNet_V3_Small_Weights": (
        ("IMAGENET1K_V1", "mobilenet_v3_small-047dcff4.pth", "classify", {"crop_size": 224}, 1000),
    ),
    "RegNet_X_16GF_Weights": (
        ("IMAGENET1K_V1", "regnet_x_16gf-2007eb11.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_x_16gf-ba3796d7.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_X_1_6GF_Weights": (
        ("IMAGENET1K_V1", "regnet_x_1_6gf-e3633e7f.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_x_1_6gf-a12f2b72.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_X_32GF_Weights": (
        ("IMAGENET1K_V1", "regnet_x_32gf-9d47f8d0.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_x_32gf-6eb8fdc6.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_X_3_2GF_Weights": (
        ("IMAGENET1K_V1", "regnet_x_3_2gf-f342aeae.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_x_3_2gf-7071aa85.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_X_400MF_Weights": (
        ("IMAGENET1K_V1", "regnet_x_400mf-adf1edd5.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_x_400mf-62229a5f.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_X_800MF_Weights": (
        ("IMAGENET1K_V1", "regnet_x_800mf-ad17e45c.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_x_800mf-94a99ebd.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_X_8GF_Weights": (
        ("IMAGENET1K_V1", "regnet_x_8gf-03ceed89.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_x_8gf-2b70d774.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_Y_128GF_Weights": (
        (
            "IMAGENET1K_SWAG_LINEAR_V1",
            "regnet_y_128gf_lc_swag-cbe8ce12.pth",
            "classify",
            {"crop_size": 224, "resize_size": 224, "interpolation": "bicubic"},
            1000,
        ),
        (
            "IMAGENET1K_SWAG_E2E_V1",
            "regnet_y_128gf_swag-c8ce3e52.pth",
            "classify",
            {"crop_size": 384, "resize_size": 384, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "RegNet_Y_16GF_Weights": (
        ("IMAGENET1K_V1", "regnet_y_16gf-9e6ed7dd.pth", "classify", {"crop_size": 224}, 1000),
        (
            "IMAGENET1K_SWAG_E2E_V1",
            "regnet_y_16gf_swag-43afe44d.pth",
            "classify",
            {"crop_size": 384, "resize_size": 384, "interpolation": "bicubic"},
            1000,
        ),
        (
            "IMAGENET1K_SWAG_LINEAR_V1",
            "regnet_y_16gf_lc_swag-f3ec0043.pth",
            "classify",
            {"crop_size": 224, "resize_size": 224, "interpolation": "bicubic"},
            1000,
        ),
        ("IMAGENET1K_V2", "regnet_y_16gf-3e4a00f9.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_Y_1_6GF_Weights": (
        ("IMAGENET1K_V1", "regnet_y_1_6gf-b11a554e.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_y_1_6gf-0d7bc02a.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_Y_32GF_Weights": (
        ("IMAGENET1K_V1", "regnet_y_32gf-4dee3f7a.pth", "classify", {"crop_size": 224}, 1000),
        (
            "IMAGENET1K_SWAG_E2E_V1",
            "regnet_y_32gf_swag-04fdfa75.pth",
            "classify",
            {"crop_size": 384, "resize_size": 384, "interpolation": "bicubic"},
            1000,
        ),
        (
            "IMAGENET1K_SWAG_LINEAR_V1",
            "regnet_y_32gf_lc_swag-e1583746.pth",
            "classify",
            {"crop_size": 224, "resize_size": 224, "interpolation": "bicubic"},
            1000,
        ),
        ("IMAGENET1K_V2", "regnet_y_32gf-8db6d4b5.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_Y_3_2GF_Weights": (
        ("IMAGENET1K_V1", "regnet_y_3_2gf-b5a9779c.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_y_3_2gf-9180c971.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_Y_400MF_Weights": (
        ("IMAGENET1K_V1", "regnet_y_400mf-c65dace8.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_y_400mf-e6988f5f.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_Y_800MF_Weights": (
        ("IMAGENET1K_V1", "regnet_y_800mf-1b27b58c.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_y_800mf-58fc7688.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RegNet_Y_8GF_Weights": (
        ("IMAGENET1K_V1", "regnet_y_8gf-d0d0e4a8.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "regnet_y_8gf-dc2b1b54.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ResNet101_Weights": (
        ("IMAGENET1K_V1", "resnet101-63fe2227.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "resnet101-cd907fc2.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ResNet152_Weights": (
        ("IMAGENET1K_V1", "resnet152-394f9c45.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "resnet152-f82ba261.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ResNet18_Weights": (("IMAGENET1K_V1", "resnet18-f37072fd.pth", "classify", {"crop_size": 224}, 1000),),
    "ResNet34_Weights": (("IMAGENET1K_V1", "resnet34-b627a593.pth", "classify", {"crop_size": 224}, 1000),),
    "ResNet50_Weights": (
        ("IMAGENET1K_V1", "resnet50-0676ba61.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "resnet50-11ad3fa6.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ResNeXt101_32X8D_Weights": (
        ("IMAGENET1K_V1", "resnext101_32x8d-8ba56ff5.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "resnext101_32x8d-110c445d.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ResNeXt101_64X4D_Weights": (
        ("IMAGENET1K_V1", "resnext101_64x4d-173b62eb.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ResNeXt50_32X4D_Weights": (
        ("IMAGENET1K_V1", "resnext50_32x4d-7cdf4587.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "resnext50_32x4d-1a0047aa.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "RetinaNet_ResNet50_FPN_Weights": (("COCO_V1", "retinanet_resnet50_fpn_coco-eeacb38b.pth", "detect", {}, 91),),
    "RetinaNet_ResNet50_FPN_V2_Weights": (
        ("COCO_V1", "retinanet_resnet50_fpn_v2_coco-5905b1c5.pth", "detect", {}, 91),
    ),
    "ShuffleNet_V2_X0_5_Weights": (
        ("IMAGENET1K_V1", "shufflenetv2_x0.5-f707e7126e.pth", "classify", {"crop_size": 224}, 1000),
    ),
    "ShuffleNet_V2_X1_0_Weights": (
        ("IMAGENET1K_V1", "shufflenetv2_x1-5666bf0f80.pth", "classify", {"crop_size": 224}, 1000),
    ),
    "ShuffleNet_V2_X1_5_Weights": (
        ("IMAGENET1K_V1", "shufflenetv2_x1_5-3c479a10.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "ShuffleNet_V2_X2_0_Weights": (
        ("IMAGENET1K_V1", "shufflenetv2_x2_0-8be3c8ee.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "SqueezeNet1_0_Weights": (("IMAGENET1K_V1", "squeezenet1_0-b66bff10.pth", "classify", {"crop_size": 224}, 1000),),
    "SqueezeNet1_1_Weights": (("IMAGENET1K_V1", "squeezenet1_1-b8a52dc0.pth", "classify", {"crop_size": 224}, 1000),),
    "Swin_B_Weights": (
        (
            "IMAGENET1K_V1",
            "swin_b-68c6b09e.pth",
            "classify",
            {"crop_size": 224, "resize_size": 238, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "Swin_S_Weights": (
        (
            "IMAGENET1K_V1",
            "swin_s-5e29d889.pth",
            "classify",
            {"crop_size": 224, "resize_size": 246, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "Swin_T_Weights": (
        (
            "IMAGENET1K_V1",
            "swin_t-704ceda3.pth",
            "classify",
            {"crop_size": 224, "resize_size": 232, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "Swin_V2_B_Weights": (
        (
            "IMAGENET1K_V1",
            "swin_v2_b-781e5279.pth",
            "classify",
            {"crop_size": 256, "resize_size": 272, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "Swin_V2_S_Weights": (
        (
            "IMAGENET1K_V1",
            "swin_v2_s-637d8ceb.pth",
            "classify",
            {"crop_size": 256, "resize_size": 260, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "Swin_V2_T_Weights": (
        (
            "IMAGENET1K_V1",
            "swin_v2_t-b137f0e2.pth",
            "classify",
            {"crop_size": 256, "resize_size": 260, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "VGG11_Weights": (("IMAGENET1K_V1", "vgg11-8a719046.pth", "classify", {"crop_size": 224}, 1000),),
    "VGG11_BN_Weights": (("IMAGENET1K_V1", "vgg11_bn-6002323d.pth", "classify", {"crop_size": 224}, 1000),),
    "VGG13_Weights": (("IMAGENET1K_V1", "vgg13-19584684.pth", "classify", {"crop_size": 224}, 1000),),
    "VGG13_BN_Weights": (("IMAGENET1K_V1", "vgg13_bn-abd245e5.pth", "classify", {"crop_size": 224}, 1000),),
    "VGG16_Weights": (
        (
            "IMAGENET1K_FEATURES",
            "vgg16_features-amdegroot-88682ab5.pth",
            "classify",
            {
                "crop_size": 224,
                "mean": (0.48235, 0.45882, 0.40784),
                "std": (0.00392156862745098, 0.00392156862745098, 0.00392156862745098),
            },
            0,
        ),
        ("IMAGENET1K_V1", "vgg16-397923af.pth", "classify", {"crop_size": 224}, 1000),
    ),
    "VGG16_BN_Weights": (("IMAGENET1K_V1", "vgg16_bn-6c64b313.pth", "classify", {"crop_size": 224}, 1000),),
    "VGG19_Weights": (("IMAGENET1K_V1", "vgg19-dcbb9e9d.pth", "classify", {"crop_size": 224}, 1000),),
    "VGG19_BN_Weights": (("IMAGENET1K_V1", "vgg19_bn-c79401a0.pth", "classify", {"crop_size": 224}, 1000),),
    "ViT_B_16_Weights": (
        (
            "IMAGENET1K_SWAG_E2E_V1",
            "vit_b_16_swag-9ac1b537.pth",
            "classify",
            {"crop_size": 384, "resize_size": 384, "interpolation": "bicubic"},
            1000,
        ),
        (
            "IMAGENET1K_SWAG_LINEAR_V1",
            "vit_b_16_lc_swag-4e70ced5.pth",
            "classify",
            {"crop_size": 224, "resize_size": 224, "interpolation": "bicubic"},
            1000,
        ),
        ("IMAGENET1K_V1", "vit_b_16-c867db91.pth", "classify", {"crop_size": 224}, 1000),
    ),
    "ViT_B_32_Weights": (("IMAGENET1K_V1", "vit_b_32-d86f8d99.pth", "classify", {"crop_size": 224}, 1000),),
    "ViT_H_14_Weights": (
        (
            "IMAGENET1K_SWAG_LINEAR_V1",
            "vit_h_14_lc_swag-c1eb923e.pth",
            "classify",
            {"crop_size": 224, "resize_size": 224, "interpolation": "bicubic"},
            1000,
        ),
        (
            "IMAGENET1K_SWAG_E2E_V1",
            "vit_h_14_swag-80465313.pth",
            "classify",
            {"crop_size": 518, "resize_size": 518, "interpolation": "bicubic"},
            1000,
        ),
    ),
    "ViT_L_16_Weights": (
        (
            "IMAGENET1K_SWAG_E2E_V1",
            "vit_l_16_swag-4f3808c9.pth",
            "classify",
            {"crop_size": 512, "resize_size": 512, "interpolation": "bicubic"},
            1000,
        ),
        (
            "IMAGENET1K_SWAG_LINEAR_V1",
            "vit_l_16_lc_swag-4d563306.pth",
            "classify",
            {"crop_size": 224, "resize_size": 224, "interpolation": "bicubic"},
            1000,
        ),
        ("IMAGENET1K_V1", "vit_l_16-852ce7e3.pth", "classify", {"crop_size": 224, "resize_size": 242}, 1000),
    ),
    "ViT_L_32_Weights": (("IMAGENET1K_V1", "vit_l_32-c7638314.pth", "classify", {"crop_size": 224}, 1000),),
    "Wide_ResNet101_2_Weights": (
        ("IMAGENET1K_V1", "wide_resnet101_2-32ee1156.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "wide_resnet101_2-d733dc28.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
    "Wide_ResNet50_2_Weights": (
        ("IMAGENET1K_V1", "wide_resnet50_2-95faca4d.pth", "classify", {"crop_size": 224}, 1000),
        ("IMAGENET1K_V2", "wide_resnet50_2-9ba9bcbe.pth", "classify", {"crop_size": 224, "resize_size": 232}, 1000),
    ),
}
