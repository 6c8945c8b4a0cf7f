"""What a detector does to pictures before, and to boxes after."""

from __future__ import annotations

import math
from typing import Any

from fxtorch import nn
from fxtorch.nn import functional as F
from fxtorch.tensor import Tensor
from fxtorch.vision._torch import torch
from fxtorch.vision.models.detection.image_list import ImageList
from fxtorch.vision.models.detection.masks import paste_masks_in_image


class GeneralizedRCNNTransform(nn.Module):
    """Normalise pictures, bring their shorter sides to a size, and pad them to one batch.

    Args:
        min_size: the size of the shorter side; while training one of these.
        max_size: the largest size of the longer side.
        image_mean: of each channel.
        image_std: of each channel.
        size_divisible: the batch's sides are multiples of it.
        fixed_size: height and width of every picture instead.
    """

    def __init__(
        self,
        min_size: int | tuple[int, ...],
        max_size: int,
        image_mean: list[float],
        image_std: list[float],
        size_divisible: int = 32,
        fixed_size: tuple[int, int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.min_size = tuple(min_size) if isinstance(min_size, list | tuple) else (min_size,)
        self.max_size = max_size
        self.image_mean = image_mean
        self.image_std = image_std
        self.size_divisible = size_divisible
        self.fixed_size = fixed_size
        self._skip_resize = kwargs.pop("_skip_resize", False)

    def forward(
        self, images: list[Tensor], targets: list[dict[str, Any]] | None = None
    ) -> tuple[ImageList, list[dict[str, Any]] | None]:
        """The batch, and the targets in its coordinates."""
        changed, moved = [], []
        for i, image in enumerate(images):
            if image.ndim != 3:
                raise ValueError(
                    f"images is expected to be a list of 3d tensors of shape [C, H, W], got {image.shape}"
                )  # fmt: skip
            image, target = self.resize(self.normalize(image), None if targets is None else dict(targets[i]))
            changed.append(image)
            moved.append(target)
        sizes = [(int(image.shape[-2]), int(image.shape[-1])) for image in changed]
        return ImageList(self.batch_images(changed), sizes), None if targets is None else moved

    def normalize(self, image: Tensor) -> Tensor:
        """Subtract the means and divide by the deviations."""
        if not image.is_floating_point():
            raise TypeError(
                "Expected input images to be of floating type (in range [0, 1]), but found type "
                f"{image.dtype} instead"
            )  # fmt: skip
        mean, std = (torch.tensor(v, dtype=image.dtype, device=image.device) for v in (self.image_mean, self.image_std))
        return (image - mean[:, None, None]) / std[:, None, None]

    def resize(self, image: Tensor, target: dict[str, Any] | None = None) -> tuple[Tensor, dict[str, Any] | None]:
        """The picture at its new size, and the target moved with it."""
        height, width = image.shape[-2:]
        if self.training:
            if self._skip_resize:
                return image, target
            size = self.min_size[int(torch.empty(1).uniform_(0.0, len(self.min_size)).item())]
        else:
            size = self.min_size[-1]
        options: dict[str, Any] = {"size": self.fixed_size and (self.fixed_size[1], self.fixed_size[0])}
        if self.fixed_size is None:
            scale = min(size / min(height, width), self.max_size / max(height, width))
            options = {"scale_factor": scale, "recompute_scale_factor": True}
        image = F.interpolate(image[None], mode="bilinear", align_corners=False, **options)[0]
        if target is not None:
            if "masks" in target:
                masks = F.interpolate(target["masks"][:, None].float(), **options)[:, 0]
                target["masks"] = masks.to(target["masks"].dtype)
            target["boxes"] = resize_boxes(target["boxes"], (height, width), image.shape[-2:])
            if "keypoints" in target:
                target["keypoints"] = resize_keypoints(target["keypoints"], (height, width), image.shape[-2:])
        return image, target

    def batch_images(self, images: list[Tensor]) -> Tensor:
        """The pictures padded with zeros, at the lower right, to one size."""
        by = self.size_divisible
        height, width = (math.ceil(max(image.shape[d] for image in images) / by) * by for d in (1, 2))
        return torch.stack([F.pad(i, (0, width - i.shape[2], 0, height - i.shape[1])) for i in images])

    def postprocess(
        self,
        result: list[dict[str, Tensor]],
        image_shapes: list[tuple[int, int]],
        original_image_sizes: list[tuple[int, int]],
    ) -> list[dict[str, Tensor]]:
        """The results in the coordinates of the original pictures; while training as they are."""
        if self.training:
            return result
        for found, shape, original in zip(result, image_shapes, original_image_sizes, strict=True):
            found["boxes"] = resize_boxes(found["boxes"], shape, original)
            if "masks" in found:
                found["masks"] = paste_masks_in_image(found["masks"], found["boxes"], original)
            if "keypoints" in found:
                found["keypoints"] = resize_keypoints(found["keypoints"], shape, original)
        return result

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(\n    Normalize(mean={self.image_mean}, std={self.image_std})\n"
            f"    Resize(min_size={self.min_size}, max_size={self.max_size}, mode='bilinear')\n)"
        )


def resize_boxes(boxes: Tensor, original_size: Any, new_size: Any) -> Tensor:
    """Boxes of a picture of ``original_size`` (height, width), as they are at ``new_size``."""
    down, across = (new / old for new, old in zip(new_size, original_size, strict=True))
    return boxes * torch.tensor([across, down, across, down], dtype=boxes.dtype, device=boxes.device)


def resize_keypoints(keypoints: Tensor, original_size: Any, new_size: Any) -> Tensor:
    """``(..., 3)`` rows ``(x, y, visible)`` of a picture of ``original_size``, as they are at ``new_size``."""
    down, across = (new / old for new, old in zip(new_size, original_size, strict=True))
    return keypoints * torch.tensor([across, down, 1.0], dtype=keypoints.dtype, device=keypoints.device)
