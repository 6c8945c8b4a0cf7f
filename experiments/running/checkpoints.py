"""A checkpoint after every epoch: all that a run needs to end exactly where it would have ended uninterrupted."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fxtorch as torch
from experiments.running.errors import Refused
from experiments.running.options import training_options


def save(
    path: Path, options: argparse.Namespace, epoch: int, parts: Mapping[str, Any], history: dict[str, list[float]]
) -> None:
    """Write models, optimizers, schedulers, the random state and the curves, as one file or not at all."""
    temporary = path.with_suffix(".part")
    torch.save(
        {
            "system": options.system,
            "options": training_options(options),
            "epoch": epoch,
            "parts": {name: part.state_dict() for name, part in parts.items()},
            "rng": torch.get_rng_state(),
            "history": history,
        },
        temporary,
    )
    os.replace(temporary, path)


def load(path: Path, options: argparse.Namespace, parts: Mapping[str, Any]) -> tuple[int, dict[str, list[float]]]:
    """Put everything back; returns the number of finished epochs and the curves.

    Raises:
        Refused: there is no such file, it is damaged, or it is of another system or of other options.
    """
    if not path.exists():
        raise Refused(f"no checkpoint to resume from at {path}")
    try:
        saved = torch.load(path)
        system, of, epoch, history = saved["system"], saved["options"], saved["epoch"], saved["history"]
    except Exception as error:  # a damaged file can make a reader fail in any way
        raise Refused(f"{path} is not a readable checkpoint ({type(error).__name__})") from error
    if system != options.system:
        raise Refused(f"{path} is a checkpoint of {system}, not of {options.system}")
    for name, value in training_options(options).items():
        if of.get(name) != value:
            option = f"--{name.replace('_', '-')}"
            raise Refused(f"{path} was made with {option} {of.get(name)}, not {value}; resume with the same options")
    try:
        for name, part in parts.items():
            part.load_state_dict(saved["parts"][name])
        torch.set_rng_state(saved["rng"])
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise Refused(f"{path} does not fit this version of {system}: {error}") from error
    return epoch, history
