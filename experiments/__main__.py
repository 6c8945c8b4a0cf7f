"""``python -m experiments``: list the seven systems, run one, compare eager with compiled."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from experiments.running.compare import chart, compare, has_torch, table
from experiments.running.errors import Refused, guarded
from experiments.running.system import NAMES, system


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}; --help lists the commands")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(prog="python -m experiments", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="the systems, a line each")
    run = commands.add_parser("run", help="train one system: run NAME [options]", description="Train one system.")
    run.add_argument("name", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    run.add_argument("options", nargs=argparse.REMAINDER, help="its own options: run NAME --help lists them")
    for name, what in (("compare", "train in both modes, print speeds and metrics"), ("brief", "compare --brief")):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("names", nargs="*", metavar="NAME", help="which systems (default: all seven)")
        command.add_argument("--data-dir", metavar="DIR", help="folder with the published files")
        command.add_argument("--embedded", action="store_true", help="use the stand-ins that need no files")
        command.add_argument("--out", default="runs", metavar="DIR", help="folder for results (default: runs)")
        command.add_argument("--no-torch", action="store_true", help="no column for torch, even if it is installed")
        if name == "compare":
            command.add_argument("--brief", action="store_true", help="a taste instead of the full training")
        else:
            command.set_defaults(brief=True)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Carry out one command."""
    arguments = _arguments(argv)
    if arguments.command == "list":
        for name in NAMES:
            print(f"{name:24}{(system(name).__doc__ or '').splitlines()[0]}")
    elif arguments.command == "run":
        system(arguments.name).main(arguments.options)
    else:
        _compare(arguments)


def _compare(arguments: argparse.Namespace) -> None:
    begin = time.perf_counter()
    names = arguments.names or NAMES
    for name in names:
        system(name)
    options = ["--brief"] * arguments.brief + ["--embedded"] * arguments.embedded
    if arguments.data_dir:
        options += ["--data-dir", arguments.data_dir]
    rows = compare(names, arguments.out, options, with_torch=not arguments.no_torch)
    picture = Path(arguments.out) / "comparison.png"
    chart(rows, picture)
    text = table(rows)
    picture.with_suffix(".txt").write_text(text + "\n")
    print(f"\n{text}\n")
    print("compile: what the first call takes beyond a step; less where an earlier run left its programs on disk.")
    if not has_torch():
        print("torch is not installed, so it has no column.")
    print(f"{os.cpu_count()} cores, {time.perf_counter() - begin:.0f} s.  Speeds as a chart: {picture}; pictures:")
    for name in names:
        print(f"  {', '.join(str(p) for p in sorted((Path(arguments.out) / name).glob('*.png')))}")


if __name__ == "__main__":
    sys.exit(guarded(main, "experiments"))
