"""Actor and critic with one body, the advantage weighing the actor's steps."""

from collections import namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from common import fill, normal, record, record_grads
from torch.distributions import Categorical

SavedAction = namedtuple("SavedAction", ["log_prob", "value"])


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 8)
        self.action_head = nn.Linear(8, 2)
        self.value_head = nn.Linear(8, 1)
        self.saved_actions, self.rewards = [], []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


model = fill(Policy())
optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
for t, state in enumerate(normal(4, 4).numpy()):
    probs, state_value = model(torch.from_numpy(state).float())
    m = Categorical(probs)
    model.saved_actions.append(SavedAction(m.log_prob(torch.tensor(t % 2)), state_value))
    model.rewards.append(float(t))
R, policy_losses, value_losses, returns = 0, [], [], []
for r in model.rewards[::-1]:
    R = r + 0.99 * R
    returns.insert(0, R)
returns = torch.tensor(returns)
returns = (returns - returns.mean()) / (returns.std() + 1e-6)
for (log_prob, value), R in zip(model.saved_actions, returns, strict=True):
    advantage = R - value.item()
    policy_losses.append(-log_prob * advantage)
    value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
optimizer.zero_grad()
loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
loss.backward()
optimizer.step()
record("loss", loss.item())
record("entropy", m.entropy())
record_grads(model)
