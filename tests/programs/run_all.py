"""Run programs of this folder one after the other and write what they recorded: run_all.py OUT.npz NAME..."""

import runpy
import sys
from pathlib import Path

import common
import numpy as np
import torch

out, *names = sys.argv[1:]
found = {}
for name in names:
    common.RESULTS.clear()
    sys.argv[:] = [name]
    torch.manual_seed(0)
    runpy.run_path(str(Path(__file__).with_name(f"{name}.py")), run_name="__main__")
    assert common.RESULTS, f"{name} recorded nothing"
    found.update({f"{name}/{key}": value for key, value in common.RESULTS.items()})
np.savez(out, **found)
print("ran on", torch.__spec__.name, torch.__spec__.origin)
