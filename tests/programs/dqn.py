"""Q-learning from a memory of transitions, with a second network that lags behind."""

import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from common import array, fill, record, record_grads

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque(maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)

    def __len__(self):
        return len(self.memory)


class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super().__init__()
        self.layer1 = nn.Linear(n_observations, 8)
        self.layer2 = nn.Linear(8, n_actions)

    def forward(self, x):
        return self.layer2(F.relu(self.layer1(x)))


random.seed(3)
policy_net, target_net = fill(DQN(4, 3)), DQN(4, 3)
target_net.load_state_dict(policy_net.state_dict())
optimizer = torch.optim.AdamW(policy_net.parameters(), lr=1e-2, amsgrad=True)
memory = ReplayMemory(20)
states = array(11, 4)
for i in range(10):
    following = None if i % 4 == 3 else torch.tensor(states[i + 1], dtype=torch.float32).unsqueeze(0)
    memory.push(torch.tensor(states[i]).unsqueeze(0), torch.tensor([[i % 3]]), following, torch.tensor([float(i % 2)]))
for step in range(2):
    transitions = memory.sample(8)
    batch = Transition(*zip(*transitions, strict=True))
    non_final_mask = torch.tensor(tuple(map(lambda s: s is not None, batch.next_state)), dtype=torch.bool)
    non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
    state_batch, action_batch, reward_batch = map(torch.cat, (batch.state, batch.action, batch.reward))
    state_action_values = policy_net(state_batch).gather(1, action_batch)
    next_state_values = torch.zeros(8)
    with torch.no_grad():
        next_state_values[non_final_mask] = target_net(non_final_next_states).max(1).values
    expected = (next_state_values * 0.99) + reward_batch
    loss = nn.SmoothL1Loss()(state_action_values, expected.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    target_net_state_dict = target_net.state_dict()
    for key, value in policy_net.state_dict().items():
        target_net_state_dict[key] = value * 0.1 + target_net_state_dict[key] * 0.9
    target_net.load_state_dict(target_net_state_dict)
    record(f"loss{step}", loss)
record_grads(policy_net)
record("target", target_net.layer1.weight)
