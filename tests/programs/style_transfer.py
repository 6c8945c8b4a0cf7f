"""An image changed by LBFGS until its correlations are another image's: the image is what is trained."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from common import fill, normal, record


class ContentLoss(nn.Module):
    def __init__(self, target):
        super().__init__()
        self.target = target.detach()

    def forward(self, input):
        self.loss = F.mse_loss(input, self.target)
        return input


def gram_matrix(input):
    a, b, c, d = input.size()
    features = input.view(a * b, c * d)
    return torch.mm(features, features.t()).div(a * b * c * d)


class StyleLoss(nn.Module):
    def __init__(self, target_feature):
        super().__init__()
        self.target = gram_matrix(target_feature).detach()

    def forward(self, input):
        self.loss = F.mse_loss(gram_matrix(input), self.target)
        return input


class Normalization(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def forward(self, img):
        return (img - self.mean) / self.std


cnn = fill(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, padding=1)))
content_img, style_img = torch.sigmoid(normal(1, 3, 6, 6, seed=1)), torch.sigmoid(normal(1, 3, 6, 6, seed=2))
normalization = Normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
content_losses, style_losses = [], []
model, i = nn.Sequential(normalization), 0
for layer in copy.deepcopy(cnn).eval().children():
    if isinstance(layer, nn.Conv2d):
        i += 1
        name = f"conv_{i}"
    elif isinstance(layer, nn.ReLU):
        name = f"relu_{i}"
        layer = nn.ReLU(inplace=False)
    model.add_module(name, layer)
    if name == "conv_2":
        content_losses.append(ContentLoss(model(content_img)))
        model.add_module("content_loss", content_losses[-1])
    if name == "conv_1":
        style_losses.append(StyleLoss(model(style_img)))
        model.add_module("style_loss", style_losses[-1])
model.requires_grad_(False)
input_img = content_img.clone().requires_grad_(True)
optimizer = optim.LBFGS([input_img], max_iter=4)
run = [0]


def closure():
    with torch.no_grad():
        input_img.clamp_(0, 1)
    optimizer.zero_grad()
    model(input_img)
    style_score = sum(sl.loss for sl in style_losses) * 1000
    content_score = sum(cl.loss for cl in content_losses)
    loss = style_score + content_score
    loss.backward()
    run[0] += 1
    record(f"style{run[0]}", style_score.item())
    return style_score + content_score


optimizer.step(closure)
record("image", input_img)
record("gradient", input_img.grad)
