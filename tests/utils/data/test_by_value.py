"""Workers get what a program defines itself, without running it again."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest

from fxtorch.utils.data.worker import Job, packed_job
from tests.running import python

PROGRAM = """
from collections import namedtuple
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

print("runs")
Batch = namedtuple("Batch", ["x", "y"])
SCALE = 3


@dataclass
class Options:
    size: int = 4

    def doubled(self):
        return self.size * 2


class Base(Dataset):
    def __init__(self, options, transform):
        self.options, self.transform = options, transform

    def __len__(self):
        return self.options.size


class Numbers(Base):
    def __init__(self, *args):
        super().__init__(*args)

    @cached_property
    def offset(self):
        return helper(self.options)

    @staticmethod
    def scaled(i):
        return i * SCALE

    def __getitem__(self, i):
        return self.transform(torch.tensor(float(self.scaled(i)))), self.offset


def helper(options):
    return options.doubled()


def collate(samples):
    return Batch(torch.stack([x for x, _ in samples]), [y for _, y in samples])


plus = 1
loader = DataLoader(
    Numbers(Options(), lambda x: x + plus), batch_size=2, num_workers=1, collate_fn=collate,
    worker_init_fn=lambda worker: np.random.seed(worker),
)
for batch in loader:
    print(type(batch) is Batch, batch.x.tolist(), batch.y)
"""


def test_a_program_without_a_guard_runs_once_and_its_workers_know_its_classes_and_lambdas(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(PROGRAM)
    ran = python("-m", "fxtorch", str(script))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["runs", "True [1.0, 4.0] [8, 8]", "True [7.0, 10.0] [8, 8]"]


def test_a_job_that_no_lambda_is_in_is_complete() -> None:
    assert packed_job(Job([1], len, True, False, None, 0, 1))[1]


def test_a_lambda_that_needs_what_cannot_be_pickled_is_refused_by_its_name() -> None:
    lock = threading.Lock()
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        packed_job(Job([lambda: lock], len, True, False, None, 0, 1))
