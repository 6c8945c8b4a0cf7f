"""Boxes predicted from a grid: the output folded into anchors, offsets squashed, the best kept by overlap."""

import torch
import torch.nn as nn
from common import fill, normal, record, record_grads


class ConvBnLeaky(nn.Module):
    def __init__(self, c1, c2, k=1, s=1):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Detect(nn.Module):
    stride = None

    def __init__(self, nc, anchors, ch):
        super().__init__()
        self.nc, self.no = nc, nc + 5
        self.na = len(anchors[0]) // 2
        a = torch.tensor(anchors).float().view(len(anchors), -1, 2)
        self.register_buffer("anchors", a)
        self.m = nn.ModuleList(nn.Conv2d(x, self.no * self.na, 1) for x in ch)

    def forward(self, x):
        z = []
        for i in range(len(x)):
            x[i] = self.m[i](x[i])
            bs, _, ny, nx = x[i].shape
            x[i] = x[i].view(bs, self.na, self.no, ny, nx).permute(0, 1, 3, 4, 2).contiguous()
            yv, xv = torch.meshgrid([torch.arange(ny), torch.arange(nx)], indexing="ij")
            grid = torch.stack((xv, yv), 2).view(1, 1, ny, nx, 2).float()
            y = x[i].sigmoid()
            xy = (y[..., 0:2] * 2.0 - 0.5 + grid) * self.stride[i]
            wh = (y[..., 2:4] * 2) ** 2 * self.anchors[i].view(1, self.na, 1, 1, 2)
            z.append(torch.cat((xy, wh, y[..., 4:]), -1).view(bs, -1, self.no))
        return torch.cat(z, 1), x


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvBnLeaky(3, 6, 3, 2)
        self.deep = nn.Sequential(ConvBnLeaky(6, 8, 3, 2), ConvBnLeaky(8, 8))
        self.detect = Detect(2, [[1, 2, 3, 3], [4, 4, 6, 5]], [6, 8])
        self.detect.stride = torch.tensor([2.0, 4.0])

    def forward(self, x):
        shallow = self.stem(x)
        return self.detect([shallow, self.deep(shallow)])


def box_iou(box1, box2):
    (a1, a2), (b1, b2) = box1.unsqueeze(1).chunk(2, 2), box2.unsqueeze(0).chunk(2, 2)
    inter = (torch.min(a2, b2) - torch.max(a1, b1)).clamp(0).prod(2)
    return inter / ((a2 - a1).prod(2) + (b2 - b1).prod(2) - inter + 1e-7)


model = fill(Model())
pred, raw = model(normal(1, 3, 8, 8))
objectness = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))
loss = sum(objectness(p[..., 4:5], (p[..., 4:5].detach() > 0).float()) for p in raw) + pred[..., :4].mean() * 0.05
loss.backward()
record("loss", loss)
record_grads(model)
with torch.no_grad():
    boxes = torch.cat((pred[0, :, :2] - pred[0, :, 2:4] / 2, pred[0, :, :2] + pred[0, :, 2:4] / 2), 1)
    conf, j = (pred[0, :, 5:] * pred[0, :, 4:5]).max(1, keepdim=True)
    order = conf.view(-1).argsort(descending=True)[:8]
    iou = box_iou(boxes[order], boxes[order]).triu_(diagonal=1)
    keep = order[iou.max(0)[0] < 0.45]
    record("kept", torch.cat((boxes[keep], conf[keep], j[keep].float()), 1))
