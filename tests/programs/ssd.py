"""A detector: boxes over a grid, matched to what is there, the hardest negatives chosen by sorting."""

import itertools
from math import sqrt

import torch
import torch.nn as nn
import torch.nn.functional as F
from common import fill, normal, record, record_grads


def intersect(box_a, box_b):
    A, B = box_a.size(0), box_b.size(0)
    max_xy = torch.min(box_a[:, 2:].unsqueeze(1).expand(A, B, 2), box_b[:, 2:].unsqueeze(0).expand(A, B, 2))
    min_xy = torch.max(box_a[:, :2].unsqueeze(1).expand(A, B, 2), box_b[:, :2].unsqueeze(0).expand(A, B, 2))
    inter = torch.clamp((max_xy - min_xy), min=0)
    return inter[:, :, 0] * inter[:, :, 1]


def jaccard(box_a, box_b):
    inter = intersect(box_a, box_b)
    area_a = ((box_a[:, 2] - box_a[:, 0]) * (box_a[:, 3] - box_a[:, 1])).unsqueeze(1).expand_as(inter)
    area_b = ((box_b[:, 2] - box_b[:, 0]) * (box_b[:, 3] - box_b[:, 1])).unsqueeze(0).expand_as(inter)
    return inter / (area_a + area_b - inter)


def point_form(boxes):
    return torch.cat((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), 1)


def match(threshold, truths, priors, labels):
    overlaps = jaccard(truths, point_form(priors))
    _, best_prior_idx = overlaps.max(1, keepdim=True)
    best_truth_overlap, best_truth_idx = overlaps.max(0, keepdim=True)
    best_truth_idx.squeeze_(0)
    best_truth_overlap.squeeze_(0)
    best_prior_idx.squeeze_(1)
    best_truth_overlap.index_fill_(0, best_prior_idx, 2)
    for j in range(best_prior_idx.size(0)):
        best_truth_idx[best_prior_idx[j]] = j
    matches = truths[best_truth_idx]
    conf = labels[best_truth_idx] + 1
    conf[best_truth_overlap < threshold] = 0
    g_cxcy = (matches[:, :2] + matches[:, 2:]) / 2 - priors[:, :2]
    g_wh = torch.log((matches[:, 2:] - matches[:, :2]) / priors[:, 2:])
    return torch.cat([g_cxcy / (0.1 * priors[:, 2:]), g_wh / 0.2], 1), conf


class SSD(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes
        self.vgg = nn.ModuleList(
            [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2, ceil_mode=True)]
        )
        self.loc = nn.ModuleList([nn.Conv2d(6, 2 * 4, 3, padding=1)])
        self.conf = nn.ModuleList([nn.Conv2d(6, 2 * num_classes, 3, padding=1)])
        mean = []
        for i, j in itertools.product(range(3), repeat=2):
            cx, cy = (j + 0.5) / 3, (i + 0.5) / 3
            mean += [cx, cy, 0.4, 0.4, cx, cy, 0.4 * sqrt(2), 0.4 / sqrt(2)]
        self.priors = torch.Tensor(mean).view(-1, 4).clamp_(max=1, min=0)

    def forward(self, x):
        for layer in self.vgg:
            x = layer(x)
        loc = [layer(x).permute(0, 2, 3, 1).contiguous() for layer in self.loc]
        conf = [layer(x).permute(0, 2, 3, 1).contiguous() for layer in self.conf]
        loc = torch.cat([o.view(o.size(0), -1) for o in loc], 1)
        conf = torch.cat([o.view(o.size(0), -1) for o in conf], 1)
        return loc.view(loc.size(0), -1, 4), conf.view(conf.size(0), -1, self.num_classes), self.priors


net = fill(SSD(4))
targets = [
    torch.Tensor([[0.1, 0.1, 0.5, 0.5, 1.0], [0.4, 0.5, 0.9, 0.95, 2.0]]),
    torch.Tensor([[0.3, 0.2, 0.8, 0.7, 0]]),
]
loc_data, conf_data, priors = net(normal(2, 3, 6, 6))
num, num_priors = loc_data.size(0), priors.size(0)
loc_t, conf_t = torch.Tensor(num, num_priors, 4), torch.LongTensor(num, num_priors)
for idx in range(num):
    loc_t[idx], conf_t[idx] = match(0.5, targets[idx][:, :-1].data, priors.data, targets[idx][:, -1].data)
pos = conf_t > 0
pos_idx = pos.unsqueeze(pos.dim()).expand_as(loc_data)
loss_l = F.smooth_l1_loss(loc_data[pos_idx].view(-1, 4), loc_t[pos_idx].view(-1, 4), reduction="sum")
batch_conf = conf_data.view(-1, 4)
loss_c = torch.logsumexp(batch_conf, 1, keepdim=True) - batch_conf.gather(1, conf_t.view(-1, 1))
loss_c = loss_c.view(num, -1)
loss_c[pos] = 0
_, loss_idx = loss_c.sort(1, descending=True)
_, idx_rank = loss_idx.sort(1)
num_pos = pos.long().sum(1, keepdim=True)
num_neg = torch.clamp(3 * num_pos, max=pos.size(1) - 1)
neg = idx_rank < num_neg.expand_as(idx_rank)
conf_p = conf_data[(pos + neg).gt(0).unsqueeze(2).expand_as(conf_data)].view(-1, 4)
loss_c = F.cross_entropy(conf_p, conf_t[(pos + neg).gt(0)], reduction="sum")
N = num_pos.data.sum().item()
loss = (loss_l + loss_c) / N
loss.backward()
record("loss", loss)
record("positives", N)
record_grads(net)
