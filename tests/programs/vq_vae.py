"""Codes snapped to a book: nearest entries by distance, the gradient carried straight through."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from common import fill, normal, record, record_grads


class VectorQuantizer(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, commitment_cost):
        super().__init__()
        self._embedding_dim, self._num_embeddings = embedding_dim, num_embeddings
        self._embedding = nn.Embedding(num_embeddings, embedding_dim)
        self._embedding.weight.data.uniform_(-1 / num_embeddings, 1 / num_embeddings)
        self._commitment_cost = commitment_cost
        self.register_buffer("usage", torch.zeros(num_embeddings))

    def forward(self, inputs):
        inputs = inputs.permute(0, 2, 3, 1).contiguous()
        flat_input = inputs.view(-1, self._embedding_dim)
        distances = (
            torch.sum(flat_input**2, dim=1, keepdim=True)
            + torch.sum(self._embedding.weight**2, dim=1)
            - 2 * torch.matmul(flat_input, self._embedding.weight.t())
        )
        encoding_indices = torch.argmin(distances, dim=1).unsqueeze(1)
        encodings = torch.zeros(encoding_indices.shape[0], self._num_embeddings, device=inputs.device)
        encodings.scatter_(1, encoding_indices, 1)
        self.usage.index_add_(0, encoding_indices.view(-1), torch.ones(encoding_indices.numel()))
        quantized = torch.matmul(encodings, self._embedding.weight).view(inputs.shape)
        e_latent_loss = F.mse_loss(quantized.detach(), inputs)
        q_latent_loss = F.mse_loss(quantized, inputs.detach())
        loss = q_latent_loss + self._commitment_cost * e_latent_loss
        quantized = inputs + (quantized - inputs).detach()
        avg_probs = torch.mean(encodings, dim=0)
        perplexity = torch.exp(-torch.sum(avg_probs * torch.log(avg_probs + 1e-10)))
        return loss, quantized.permute(0, 3, 1, 2).contiguous(), perplexity


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self._encoder = nn.Conv2d(1, 4, 4, stride=2, padding=1)
        self._vq_vae = VectorQuantizer(6, 4, 0.25)
        self._decoder = nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1)

    def forward(self, x):
        loss, quantized, perplexity = self._vq_vae(self._encoder(x))
        return loss, self._decoder(quantized), perplexity


model = fill(Model())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, amsgrad=False)
data = normal(2, 1, 8, 8)
for i in range(2):
    optimizer.zero_grad()
    vq_loss, data_recon, perplexity = model(data)
    loss = F.mse_loss(data_recon, data) / data.var() + vq_loss
    loss.backward()
    optimizer.step()
    record(f"loss{i}", loss.item())
    record(f"perplexity{i}", perplexity)
record_grads(model)
record("usage", model._vq_vae.usage)
