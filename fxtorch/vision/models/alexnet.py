"""AlexNet."""

from __future__ import annotations

from fxtorch import nn
from fxtorch.tensor import Tensor
from fxtorch.vision.models._api import builder, weights

AlexNet_Weights = weights("AlexNet_Weights")


class AlexNet(nn.Module):
    """Five convolutions and three linear layers, for pictures of at least 63 by 63.

    Args:
        num_classes: classes.
        dropout: how likely a feature is dropped before the first two linear layers.

    Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks" (2014).
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(64, 192, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The logits of ``(N, 3, H, W)`` pictures."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@builder(AlexNet_Weights)
def alexnet(**kwargs: object) -> AlexNet:
    """:class:`AlexNet`."""
    return AlexNet(**kwargs)  # type: ignore[arg-type]
