"""``python -m tests.conformance``: run PyTorch's operator database on fxtorch, and say what fails."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import jax
import torch

from fxtorch.tensor.operator import Operator
from tests.conformance import report, running
from tests.conformance.checks import CHECKS, FURTHER_TYPES, Settings
from tests.conformance.database import entries


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--ops", default="*", help="names, or patterns, with commas")
    parser.add_argument("--checks", default=",".join(CHECKS), help=f"of {', '.join(CHECKS)}")
    parser.add_argument("--dtypes", default=",".join(FURTHER_TYPES), help="the further types of the check 'dtypes'")
    parser.add_argument("--shard", default="0/1", help="i/n: every n-th operator, from the i-th on")
    parser.add_argument("--jobs", type=int, default=1, help="so many processes, each with its part of the operators")
    parser.add_argument("--most", type=int, help="so many samples of an operator, spread over all")
    parser.add_argument("--every", action="store_true", help="all samples also where 1 to 3 are taken otherwise")
    parser.add_argument("--new", action="store_true", help="only what has no result from an earlier run")
    parser.add_argument("--failed", action="store_true", help="only what failed in an earlier run")
    parser.add_argument("--report", action="store_true", help="write docs/conformance.md from all kept results")
    return parser.parse_args()


def main() -> int:
    """Run, print, and tell by the exit status whether all passed."""
    options = arguments()
    if options.jobs > 1:
        return _in_parts(options)
    torch.set_num_threads(1)
    shard, shards = map(int, options.shard.split("/"))
    checks = options.checks.split(",")
    settings = Settings(options.most, options.every, tuple(options.dtypes.split(",")))
    chosen = list(entries(options.ops))[shard::shards]
    found: dict[str, dict[str, running.Outcome]] = {}
    for entry in chosen:
        known = running.kept(entry)
        todo = [c for c in checks if not options.new or c not in known]
        todo = [c for c in todo if not options.failed or (c in known and known[c].failed)]
        started = time.perf_counter()
        found[entry.id] = running.run(entry, todo, settings) if todo else {}
        running.keep(entry, todo, found[entry.id])
        if todo:  # a process may map so many pieces of memory only, and each program is some
            Operator.forget_programs()
            jax.clear_caches()
        for name, outcome in found[entry.id].items():
            if outcome.failed:
                count = f"{outcome.failed}/{outcome.failed + outcome.passed}"
                print(f"{entry.id} {name} {count}: {outcome.message}", flush=True)
        if time.perf_counter() - started > 20:
            print(f"  ({entry.id} took {time.perf_counter() - started:.0f} s)", file=sys.stderr, flush=True)
    for line in report.totals(found):
        print(line)
    if options.report:
        report.write({e.id: running.kept(e) for e in entries()})
    return int(any(o.failed for outcomes in found.values() for o in outcomes.values()))


def _in_parts(options: argparse.Namespace) -> int:
    """The same in several processes, then the page of what all of them kept."""
    own = [a for a in sys.argv[1:] if a != "--report"]
    command = [sys.executable, "-m", "tests.conformance", *own, "--jobs", "1", "--shard"]
    parts = [subprocess.Popen([*command, f"{i}/{options.jobs}"]) for i in range(options.jobs)]
    failed = [part.wait() for part in parts]
    if options.report:
        report.write({e.id: running.kept(e) for e in entries()})
    return int(any(failed))


if __name__ == "__main__":
    sys.exit(main())
