"""``python -m benchmarks``: fxtorch eager and compiled beside PyTorch eager and compiled."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import report
from benchmarks.parts import PARTS
from benchmarks.systems import SYSTEMS

RESULTS = Path(__file__).parent / "results"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Every engine has its own process; they are asked in turn.  Medians, and half the distance of "
        "the quartiles.  Use an otherwise idle machine.",
    )
    parser.add_argument(
        "what", nargs="*", default=[], metavar="PART", help=f"{', '.join(PARTS)}; all of them if none is named"
    )
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="only this one; may be given again")
    parser.add_argument("--batch", type=int, help="instead of each system's usual batch")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each engine (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="three rounds, without the slowest steps")
    parser.add_argument("--torch-compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write (default benchmarks/results)")
    options = parser.parse_args()
    if unknown := set(options.what) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.quick:
        options.rounds = min(options.rounds, 3)
    return options


def main() -> None:
    options = arguments()
    options.results.mkdir(parents=True, exist_ok=True)
    for part in options.what or PARTS:
        text = ""
        for text in PARTS[part](options):  # written after each case: what was measured outlives an interruption
            (options.results / f"{part}.md").write_text(f"{text}\n\n{report.machine()}\n")
        print(f"\n{text}")


if __name__ == "__main__":
    main()
