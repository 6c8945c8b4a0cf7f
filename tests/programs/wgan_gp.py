"""A critic whose gradient is penalised: the gradient of a gradient, by autograd.grad."""

import torch
import torch.autograd as autograd
import torch.nn as nn
from common import fill, normal, record, record_grads
from torch.autograd import Variable

Tensor = torch.FloatTensor


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(10, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1)
        )

    def forward(self, img):
        return self.model(img.view(img.shape[0], -1))


def compute_gradient_penalty(D, real_samples, fake_samples):
    alpha = torch.sigmoid(normal(real_samples.size(0), 1, seed=5))
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    fake = Variable(Tensor(real_samples.shape[0], 1).fill_(1.0), requires_grad=False)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=fake,
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


critic = fill(Critic())
optimizer = torch.optim.RMSprop(critic.parameters(), lr=1e-3)
for i in range(2):
    real, fake = normal(6, 10, seed=i), normal(6, 10, seed=i + 7)
    optimizer.zero_grad()
    penalty = compute_gradient_penalty(critic, real.data, fake.data)
    loss = -torch.mean(critic(real)) + torch.mean(critic(fake)) + 10 * penalty
    loss.backward()
    optimizer.step()
    record(f"loss{i}", loss)
    record(f"penalty{i}", penalty)
record_grads(critic)
