"""A student taught by a teacher in half precision of mind: autocast, accumulated gradients, parameter groups."""

import contextlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from common import fill, integers, normal, record, record_grads

teacher = fill(nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4)), 1).eval().requires_grad_(False)
student = fill(nn.Sequential(nn.Linear(6, 8), nn.PReLU(), nn.Linear(8, 4)), 2)
device_type = "cuda" if torch.cuda.is_available() else "cpu"
amp = torch.amp.autocast(device_type, dtype=torch.bfloat16, enabled=False) if device_type else contextlib.nullcontext()
optimizer = torch.optim.SGD(
    [{"params": student[0].parameters(), "lr": 1e-2}, {"params": [*student[1].parameters(), *student[2].parameters()]}],
    lr=1e-1,
    momentum=0.9,
)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
T, alpha, accumulation = 4.0, 0.7, 2
optimizer.zero_grad()
for i in range(4):
    x, y = normal(5, 6, seed=i), integers(4, 5, seed=i)
    with amp:
        with torch.no_grad():
            teacher_logits = teacher(x)
        logits = student(x)
        soft = nn.KLDivLoss(reduction="batchmean")(
            F.log_softmax(logits / T, dim=-1), F.softmax(teacher_logits / T, dim=-1)
        ) * (T * T)
        loss = (alpha * soft + (1 - alpha) * F.cross_entropy(logits, y)) / accumulation
    loss.backward()
    if (i + 1) % accumulation == 0:
        optimizer.step()
        scheduler.step()
        if i < 3:
            optimizer.zero_grad()
    record(f"loss{i}", loss)
record_grads(student)
record("lrs", [g["lr"] for g in optimizer.param_groups])
ema = {k: v.clone().detach() for k, v in student.state_dict().items()}
with torch.inference_mode():
    for k, v in student.state_dict().items():
        ema[k].mul_(0.99).add_(v, alpha=0.01)
record("ema", ema["0.weight"])
