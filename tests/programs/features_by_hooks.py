"""Activations and gradients seen through hooks: where a network looks, and what a frozen part hands on."""

import torch.nn as nn
import torch.nn.functional as F
from common import fill, normal, record, record_grads

net = nn.Sequential(
    nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(),
    nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(6, 5),
)  # fmt: skip
fill(net)
for param in net[0].parameters():
    param.requires_grad = False
activations, gradients = {}, {}


def forward_hook(name):
    def hook(module, input, output):
        activations[name] = output.detach()

    return hook


def backward_hook(module, grad_input, grad_output):
    gradients["value"] = grad_output[0]


handles = [layer.register_forward_hook(forward_hook(str(i))) for i, layer in enumerate(net)]
target = net[3].register_full_backward_hook(backward_hook)
net[7].register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2,))
x = normal(1, 3, 6, 6).requires_grad_()
x.register_hook(lambda g: g * 0.5)
logit = net(x)
score = logit[:, logit.max(1)[-1]].squeeze()
score.backward(retain_graph=True)
b, k, u, v = gradients["value"].size()
weights = gradients["value"].view(b, k, -1).mean(2).view(b, k, 1, 1)
saliency = F.relu((weights * activations["3"]).sum(1, keepdim=True))
saliency = F.interpolate(saliency, size=(6, 6), mode="bilinear", align_corners=False)
saliency = (saliency - saliency.min()).div(saliency.max() - saliency.min() + 1e-8).data
record("saliency", saliency)
record("input_gradient", x.grad)
for handle in handles:
    handle.remove()
target.remove()
activations.clear()
middle = net[:3](x)
middle.retain_grad()
net[3:](middle).sum().backward()
assert not activations
record("middle", middle.grad)
record_grads(net)
record("frozen", [p.requires_grad for p in net.parameters()])
