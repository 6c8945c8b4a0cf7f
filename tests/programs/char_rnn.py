"""Letters predicted by an LSTM, trained with clipped gradients, then asked for text."""

import string

import torch
import torch.nn as nn
from common import fill, record, record_grads

text = "the quick brown fox jumps over the lazy dog " * 2
all_characters = string.ascii_lowercase + " "
n_characters = len(all_characters)


def char_tensor(s):
    tensor = torch.zeros(len(s)).long()
    for c in range(len(s)):
        tensor[c] = all_characters.index(s[c])
    return tensor


class CharRNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size, n_layers=2):
        super().__init__()
        self.hidden_size, self.n_layers = hidden_size, n_layers
        self.encoder = nn.Embedding(input_size, hidden_size)
        self.rnn = nn.LSTM(hidden_size, hidden_size, n_layers, batch_first=True)
        self.decoder = nn.Linear(hidden_size, output_size)

    def forward(self, input, hidden):
        encoded = self.encoder(input)
        output, hidden = self.rnn(encoded, hidden)
        return self.decoder(output), hidden

    def init_hidden(self, batch_size):
        weight = next(self.parameters())
        return (
            weight.new_zeros(self.n_layers, batch_size, self.hidden_size),
            weight.new_zeros(self.n_layers, batch_size, self.hidden_size),
        )


net = fill(CharRNN(n_characters, 12, n_characters))
opt = torch.optim.Adam(net.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
chunks = torch.stack([char_tensor(text[i : i + 13]) for i in (0, 9)])
for step in range(2):
    hidden = tuple(each.data for each in net.init_hidden(2))
    net.zero_grad()
    output, hidden = net(chunks[:, :-1], hidden)
    loss = criterion(output.reshape(-1, n_characters), chunks[:, 1:].contiguous().view(-1))
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 0.25)
    opt.step()
    record(f"loss{step}", loss.item())
    record(f"norm{step}", norm)
record_grads(net)
with torch.no_grad():
    hidden, letter, said = net.init_hidden(1), char_tensor("t").unsqueeze(0), "t"
    for _ in range(4):
        output, hidden = net(letter, hidden)
        probabilities = (output[0, -1] / 0.8).softmax(0)
        _, top = probabilities.topk(1)
        said += all_characters[top.item()]
        letter = top.unsqueeze(0)
record("said", char_tensor(said))
