"""The options that the seven scripts share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from experiments.running.errors import Refused

_NOT_TRAINING = ("system", "mode", "data_dir", "embedded", "out", "resume", "brief")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}; --help lists the options")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def parser(
    system: str,
    description: str | None,
    *,
    epochs: int,
    batch_size: int | None,
    lr: float,
    brief: dict[str, Any],
    files: bool = True,
) -> argparse.ArgumentParser:
    """The parser of one script; a script adds its own options and then calls :func:`parse`.

    Args:
        system: the script's name, also that of its folder of results.
        description: the script's docstring.
        epochs: passes over the training part.
        batch_size: examples a step; ``None`` where each step sees them all.
        lr: the learning rate.
        brief: what ``--brief`` sets in place of these defaults.
        files: whether the data may lie in files; else it comes with scikit-learn.
    """
    result = _Parser(
        prog=f"python -m experiments.{system}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    result.set_defaults(system=system, brief_values=brief)
    training = result.add_argument_group("training")
    training.add_argument(
        "--mode", choices=("eager", "jit"), default="jit", help="run each operator, or one compiled step (default: jit)"
    )
    training.add_argument("--epochs", type=_positive, metavar="N", help=f"how long to train (default: {epochs})")
    if batch_size is not None:
        training.add_argument("--batch-size", type=_positive, metavar="N", help=f"examples a step ({batch_size})")
    training.add_argument("--lr", type=float, metavar="X", help=f"learning rate (default: {lr:g})")
    training.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    training.add_argument("--train-size", type=_positive, metavar="N", help="train on the first N examples only")
    training.add_argument("--brief", action="store_true", help="a taste: " + _said(brief))
    result.defaults = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "train_size": None}  # type: ignore[attr-defined]
    where = result.add_argument_group("data and results")
    look = "folder with the published files (else $FXTORCH_DATA, ...)" if files else "not needed here"
    stand_in = "use the small stand-in that needs no files" if files else "always so here: the data is scikit-learn's"
    where.add_argument("--data-dir", metavar="DIR", help=look)
    where.add_argument("--embedded", action="store_true", help=stand_in)
    where.add_argument("--out", default="runs", metavar="DIR", help="results go to DIR/NAME (default: runs)")
    where.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="FILE",
        help="go on from the last checkpoint of this system, or from FILE",
    )
    return result


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """The options; what was not given takes the brief value under ``--brief``, else the script's default."""
    options = parser.parse_args(argv)
    brief = options.brief_values if options.brief else {}
    for name, value in {**parser.defaults, **brief}.items():  # type: ignore[attr-defined]
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    del options.brief_values  # pyright: ignore[reportAttributeAccessIssue]
    return options


def training_options(options: argparse.Namespace) -> dict[str, Any]:
    """Those options that decide what is learnt; a run can only be resumed with the same ones."""
    return {name: value for name, value in sorted(vars(options).items()) if name not in _NOT_TRAINING}


def _said(values: dict[str, Any]) -> str:
    return ", ".join(f"--{name.replace('_', '-')} {value}" for name, value in values.items())
