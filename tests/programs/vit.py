"""A vision transformer as model libraries write it: patches by convolution, dropped paths, layer decay groups."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from common import fill, integers, normal, record, record_grads
from torch.nn.init import trunc_normal_


def drop_path(x, drop_prob: float = 0.0, training: bool = False):
    if drop_prob == 0.0 or not training:
        return x
    keep_prob = 1 - drop_prob
    shape = (x.shape[0],) + (1,) * (x.ndim - 1)
    random_tensor = x.new_empty(shape).bernoulli_(keep_prob)
    return x * random_tensor.div_(keep_prob)


class Mlp(nn.Module):
    def __init__(self, in_features, hidden_features, act_layer=nn.GELU):
        super().__init__()
        self.fc1 = nn.Linear(in_features, hidden_features)
        self.act = act_layer()
        self.fc2 = nn.Linear(hidden_features, in_features)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Attention(nn.Module):
    def __init__(self, dim, num_heads=2, qkv_bias=True):
        super().__init__()
        self.num_heads, self.scale = num_heads, (dim // num_heads) ** -0.5
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        x = F.scaled_dot_product_attention(q, k, v, scale=self.scale)
        return self.proj(x.transpose(1, 2).reshape(B, N, C))


class Block(nn.Module):
    def __init__(self, dim, drop):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, eps=1e-6), Attention(dim)
        self.norm2, self.mlp = nn.LayerNorm(dim, eps=1e-6), Mlp(dim, dim * 2)
        self.gamma_1 = nn.Parameter(1e-1 * torch.ones(dim), requires_grad=True)
        self.drop = drop

    def forward(self, x):
        x = x + drop_path(self.gamma_1 * self.attn(self.norm1(x)), self.drop, self.training)
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    def __init__(self, img_size=8, patch_size=4, in_chans=3, num_classes=5, embed_dim=12, depth=2):
        super().__init__()
        self.patch_embed = nn.Conv2d(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)
        num_patches = (img_size // patch_size) ** 2
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, num_patches + 1, embed_dim))
        dpr = [x.item() for x in torch.linspace(0, 0.0, depth)]
        self.blocks = nn.ModuleList([Block(embed_dim, dpr[i]) for i in range(depth)])
        self.norm = nn.LayerNorm(embed_dim)
        self.head = nn.Linear(embed_dim, num_classes) if num_classes > 0 else nn.Identity()
        trunc_normal_(self.pos_embed, std=0.02)

    @torch.jit.ignore
    def no_weight_decay(self):
        return {"pos_embed", "cls_token"}

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        cls_tokens = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat((cls_tokens, x), dim=1) + self.pos_embed
        for blk in self.blocks:
            x = blk(x)
        return self.head(self.norm(x)[:, 0])


model = VisionTransformer()
record("bounded", model.pos_embed.abs().max() < 2)
fill(model)
skip = model.no_weight_decay()
groups = [
    {"params": [p for n, p in model.named_parameters() if p.ndim <= 1 or n in skip], "weight_decay": 0.0},
    {"params": [p for n, p in model.named_parameters() if p.ndim > 1 and n not in skip], "weight_decay": 0.05},
]
optimizer = torch.optim.AdamW(groups, lr=1e-3, fused=False)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=4)
x, y = normal(2, 3, 8, 8), integers(5, 2)
lam = 0.3
for step in range(2):
    mixed = x * lam + x.flip(0).mul_(1.0 - lam)
    loss = F.cross_entropy(model(mixed), F.one_hot(y, 5) * lam + F.one_hot(y.flip(0), 5) * (1 - lam))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    record(f"loss{step}", loss)
record_grads(model)
resized = F.interpolate(
    model.pos_embed[:, 1:].reshape(1, 2, 2, -1).permute(0, 3, 1, 2), size=(3, 3), mode="bicubic", align_corners=False
)
record("resized", resized)
