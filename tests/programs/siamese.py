"""One network for two images, the loss by how far apart their codes are; a Dataset of pairs of its own."""

import numpy as np
import torch
import torch.nn.functional as F
from common import array, fill, record, record_grads
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


class Pairs(Dataset):
    def __init__(self, images, labels, transform=None):
        self.images, self.labels, self.transform = images, labels, transform

    def __getitem__(self, index):
        first, second = self.images[index], self.images[-1 - index]
        if self.transform:
            first, second = self.transform(first), self.transform(second)
        same = np.float32(self.labels[index] == self.labels[-1 - index])
        return first, second, torch.from_numpy(np.array([same], dtype=np.float32))

    def __len__(self):
        return len(self.images)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn1 = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(1, 4, kernel_size=3),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(4),
            nn.Dropout2d(p=0.0),
        )
        self.fc1 = nn.Sequential(nn.Linear(4 * 6 * 6, 8), nn.ReLU(inplace=True), nn.Linear(8, 5))

    def forward_once(self, x):
        output = self.cnn1(x)
        return self.fc1(output.view(output.size()[0], -1))

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = F.pairwise_distance(output1, output2, keepdim=True)
        return torch.mean(
            (1 - label) * torch.pow(distance, 2) + label * torch.pow(torch.clamp(self.margin - distance, min=0.0), 2)
        )


pairs = Pairs(array(6, 1, 6, 6), [0, 1, 1, 0, 1, 0], transform=lambda a: torch.from_numpy(a))
loader = DataLoader(pairs, shuffle=False, num_workers=0, batch_size=3)
net, criterion = fill(SiameseNetwork()), ContrastiveLoss()
optimizer = optim.Adam(net.parameters(), lr=0.0005)
for i, (img0, img1, label) in enumerate(loader, 0):
    optimizer.zero_grad()
    output1, output2 = net(img0, img1)
    loss = criterion(output1, output2, label)
    loss.backward()
    optimizer.step()
    record(f"loss{i}", loss.item())
record_grads(net)
triplet = nn.TripletMarginLoss(margin=1.0)
record("triplet", triplet(output1, output2, output2.flip(0)))
record("distance", F.cosine_similarity(output1, output2))
