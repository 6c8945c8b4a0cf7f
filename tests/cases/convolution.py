"""Convolutions and their transposes, windows as columns, resampling."""

from __future__ import annotations

from tests.cases import case, error
from tests.cases.data import randint, randn, uniform

F = "nn.functional."
X, W, B = randn(2, 4, 7, 6), randn(6, 4, 3, 2), randn(6)

CASES = [
    case(F + "conv2d", X, W, B),
    case(F + "conv2d", X, W, B, stride=2, padding=1),
    case(F + "conv2d", X, W, stride=(2, 3), padding=(1, 2), dilation=(2, 1)),
    case(F + "conv2d", X, randn(6, 2, 3, 3), groups=2),
    case(F + "conv2d", X, randn(8, 1, 3, 3), groups=4, stride=2),
    case(F + "conv2d", X, W, B, padding="valid"),
    case(F + "conv2d", X, randn(6, 4, 3, 3), padding="same", dilation=2),
    case(F + "conv2d", randn(4, 7, 6), W, B),
    case(F + "conv1d", randn(2, 3, 9), randn(4, 3, 3), randn(4), stride=2, padding=1),
    case(F + "conv1d", randn(3, 9), randn(4, 3, 3), padding="same"),
    case(F + "conv3d", randn(1, 2, 4, 5, 3), randn(3, 2, 2, 3, 2), randn(3), padding=(1, 0, 1)),
    case(F + "conv_transpose1d", randn(2, 4, 5), randn(4, 3, 3), randn(3), stride=2, output_padding=1),
    case(F + "conv_transpose2d", randn(2, 4, 4, 5), randn(4, 3, 3, 2), randn(3), stride=2, padding=1),
    case(F + "conv_transpose2d", randn(2, 4, 4, 5), randn(4, 3, 3, 2), randn(6), groups=2, dilation=2),
    case(F + "conv_transpose2d", randn(4, 4, 5), randn(4, 3, 4, 4), stride=2, padding=1),
    case(
        F + "conv_transpose3d", randn(1, 2, 3, 2, 3), randn(2, 3, 2, 2, 2), stride=(1, 2, 1), output_padding=(0, 1, 0)
    ),
    case(F + "unfold", randn(2, 3, 5, 6), 3),
    case(F + "unfold", randn(2, 3, 5, 6), (2, 3), dilation=2, padding=2, stride=2),
    case(F + "fold", randn(2, 12, 12), (7, 6), 2, 2, 1, 2),
    case("pixel_shuffle", randn(2, 8, 3, 2), 2),
    case("pixel_unshuffle", randn(2, 2, 4, 6), 2),
    case("channel_shuffle", randn(2, 6, 3), 3).but(grad=False),
]
for mode, shape in (
    ("linear", (2, 2, 5)),
    ("bilinear", (2, 2, 5, 4)),
    ("trilinear", (1, 2, 3, 4, 2)),
    ("bicubic", (1, 2, 5, 4)),
):
    CASES += [
        case(F + "interpolate", randn(*shape), scale_factor=1.7, mode=mode),
        case(F + "interpolate", randn(*shape), size=(7, 3, 5)[: len(shape) - 2], mode=mode, align_corners=True),
    ]
for mode in ("nearest", "nearest-exact", "area"):
    CASES += [
        case(F + "interpolate", randn(1, 2, 4, 5), scale_factor=2, mode=mode),
        case(F + "interpolate", randn(1, 2, 4, 5), size=(3, 7), mode=mode),
    ]
CASES += [
    case(F + "interpolate", randn(1, 2, 8, 9), size=(3, 4), mode=mode, antialias=True)
    for mode in ("bilinear", "bicubic")
]
CASES += [  # bytes are resized with 16-bit weights, as Pillow does it
    case(F + "interpolate", randint(2, 3, 8, 9, low=0, high=256, dtype="uint8"), mode=mode, **how).but(grad=False)
    for mode in ("bilinear", "bicubic")
    for how in (
        {"size": (3, 4)}, {"size": (13, 11)}, {"size": (3, 20), "antialias": True},
        {"scale_factor": 1.7, "align_corners": True}, {"size": (8, 17)},
    )
]  # fmt: skip
CASES += [case(F + "affine_grid", randn(2, 2, 3), (2, 3, 4, 5), align_corners=align) for align in (True, False)]
CASES += [
    case(
        F + "grid_sample", randn(2, 1, 5, 6), uniform(2, 3, 4, 2, low=-1.3, high=1.3), mode=mode, padding_mode=padding,
        align_corners=align,
    )
    for mode in ("bilinear", "nearest", "bicubic")
    for padding, align in (("zeros", False), ("border", True), ("reflection", False))
]  # fmt: skip
CASES += [case("grid_sampler", randn(2, 1, 3, 3), uniform(2, 2, 2, 2, low=-0.9, high=0.9), 0, 1, False)]

ERRORS = [
    error(
        F + "conv2d", randn(2, 4, 8, 8), randn(6, 3, 3, 3),
        match=r"Given groups=1, weight of size \[6, 3, 3, 3\], expected input\[2, 4, 8, 8\] to have 3 channels, but "
        "got 4 channels instead",
    ),
    error(F + "conv2d", randn(4, 8), randn(6, 4, 3, 3), match="Expected 3D .unbatched. or 4D .batched. input"),
    error(F + "conv2d", X, randn(6, 4, 9, 9), match="Kernel size can't be greater than actual input size"),
    error(F + "conv2d", X, W, randn(5), match="expected bias to be 1-dimensional with 6 elements"),
    error(F + "conv2d", X, W, stride=0, match="non-positive stride is not supported"),
    error(F + "conv2d", X, W, padding="same", stride=2, match="padding='same' is not supported for strided"),
    error(F + "conv_transpose2d", randn(2, 3, 4, 4), randn(4, 3, 2, 2), match="to have 4 channels, but got 3 channels"),
    error(F + "conv_transpose2d", X, randn(4, 3, 2, 2), output_padding=1, match="output padding must be smaller"),
    error(F + "fold", randn(2, 12, 11), (7, 6), 2, 2, 1, 2, match="calculated number of sliding blocks"),
    error("pixel_shuffle", randn(3, 2, 2), 2, match="divisible by the square of upscale_factor"),
    error(F + "interpolate", randint(1, 2, 4, 4), size=3, match="upsample_nearest2d.* not implemented for 'Long'"),
    error(F + "interpolate", randint(2, 3, 4), size=3, mode="linear", match="not implemented for 'Long'"),
    error(F + "interpolate", randn(2, 3, 4), match="either size or scale_factor should be defined"),
]  # fmt: skip
