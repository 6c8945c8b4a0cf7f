"""A policy learned from the returns of episodes in a small world of its own."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from common import fill, record, record_grads
from torch.distributions import Categorical


class Corridor:
    """Five cells in a row; the right end pays."""

    def reset(self):
        self.place, self.time = 2, 0
        return self.observe()

    def observe(self):
        state = np.zeros(5, dtype=np.float32)
        state[self.place] = 1.0
        return state

    def step(self, action):
        self.place = int(np.clip(self.place + (1 if action == 1 else -1), 0, 4))
        self.time += 1
        return self.observe(), float(self.place == 4), self.place == 4 or self.time == 6, {}


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(5, 8)
        self.affine2 = nn.Linear(8, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        return F.softmax(self.affine2(F.relu(self.affine1(x))), dim=1)


env, policy = Corridor(), fill(Policy())
optimizer = optim.Adam(policy.parameters(), lr=1e-2)
eps = np.finfo(np.float32).eps.item()
luck = np.random.RandomState(4)


def select_action(state):
    state = torch.from_numpy(state).float().unsqueeze(0)
    probs = policy(state)
    m = Categorical(probs)
    action = torch.tensor([int(luck.rand() < probs[0, 1].item())])
    assert m.sample().shape == action.shape
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


for episode in range(2):
    state, done = env.reset(), False
    while not done:
        state, reward, done, _ = env.step(select_action(state))
        policy.rewards.append(reward)
    R, policy_loss, returns = 0, [], []
    for r in policy.rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    for log_prob, R in zip(policy.saved_log_probs, returns, strict=True):
        policy_loss.append(-log_prob * R)
    optimizer.zero_grad()
    policy_loss = torch.cat(policy_loss).sum()
    policy_loss.backward()
    optimizer.step()
    record(f"loss{episode}", policy_loss)
    record(f"length{episode}", len(policy.rewards))
    del policy.rewards[:]
    del policy.saved_log_probs[:]
record_grads(policy)
