"""``python -m fxtorch SCRIPT [ARGS]``: run an unmodified PyTorch program on fxtorch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fxtorch.interop import lacking, scan
from fxtorch.interop.alias import ROOTS, alias
from fxtorch.interop.jit_everything import jit_everything
from fxtorch.interop.run import run_code, run_module, run_script, unreadable
from fxtorch.tensor import Tensor
from fxtorch.version import __version__

DESCRIPTION = """\
Run an unmodified PyTorch program on fxtorch: `import torch`, and all that is below it, means fxtorch, in this process
and in the workers that it spawns. torch need not be installed; where it is, it is not imported. torchvision, torchtext
and torchaudio mean fxtorch.vision, text and audio, unless they are installed.
"""

EXAMPLES = """\
examples:
  python -m fxtorch train.py --epochs 3        as `python train.py --epochs 3`
  python -m fxtorch --jit train.py             the same, each outermost Module call compiled
  python -m fxtorch --missing train.py         list the names of torch's that fxtorch lacks
  python -m fxtorch -m package.train --lr 0.1  as `python -m package.train --lr 0.1`
  python -m fxtorch -c "import torch; print(torch.ones(2))"

Compiled programs are kept in ~/.cache/fxtorch: a second run compiles little. In a notebook, call fxtorch.alias() first.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        "python -m fxtorch", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawTextHelpFormatter
    )
    p.add_argument("--version", action="version", version=f"fxtorch {__version__}")
    p.add_argument(
        "--jit",
        action="store_true",
        help="compile every outermost Module call; what cannot be one program runs\neagerly, with one warning",
    )
    p.add_argument(
        "--missing",
        action="store_true",
        help="go on past names that fxtorch lacks, and list them all at the end; exits\nwith 3 if there are any",
    )
    p.add_argument(
        "--stand-ins",
        action="store_true",
        help="let torchvision, torchtext and torchaudio mean fxtorch.vision, text\nand audio even where installed",
    )
    p.add_argument("-m", dest="module", metavar="MODULE", help="run a module as `python -m` does")
    p.add_argument("-c", dest="code", metavar="CODE", help="run text as `python -c` does")
    p.add_argument("rest", nargs=argparse.REMAINDER, metavar="SCRIPT [ARGS]", help="the program, and its own arguments")
    return p


def split(argv: list[str]) -> list[str]:
    """``argv`` with all that belongs to the program behind ``--``: its options are not ours.

    >>> split(["--jit", "-m", "train", "--missing"])
    ['--jit', '-m', 'train', '--', '--missing']
    """
    i = 0
    while i < len(argv):
        if argv[i] in ("-m", "-c"):
            return [*argv[: i + 2], "--", *argv[i + 2 :]]
        if not argv[i].startswith("-"):
            return [*argv[:i], "--", *argv[i:]]
        i += 1
    return argv


def _run(options: argparse.Namespace, rest: list[str]) -> None:
    if options.module is not None:
        run_module(options.module, rest)
    elif options.code is not None:
        run_code(options.code, rest)
    else:
        run_script(rest[0], rest[1:])


def _say(text: object) -> None:
    sys.stderr.write(f"{text}\n")


def _report(options: argparse.Namespace, rest: list[str]) -> int:
    """Run the program past what is missing, and list it; 3 if there was any."""
    found = lacking.Record()
    lacking.record(found)
    Tensor.__getattr__ = lacking.of_tensor  # type: ignore[method-assign, assignment]
    failed: BaseException | None = None
    try:
        _run(options, rest)
    except SystemExit:
        pass
    except Exception as error:  # it may well be the consequence of a stand-in
        failed = error
    lacking.record(None)
    if options.code is not None:
        scan.scan_source(options.code, "<string>", found)
    elif options.module is None:
        scan.scan(Path(rest[0]), found)
    if found:
        _say(found)
        if failed is not None:
            _say(f"the program ended with {type(failed).__name__}: {failed}")
        return 3
    if failed is not None:
        raise failed
    _say("fxtorch lacks none of the names that this program touches")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(split(sys.argv[1:] if argv is None else argv))
    rest = options.rest[1:] if options.rest[:1] == ["--"] else options.rest
    if options.module is None and options.code is None and not rest:
        parser().print_help()
        return 2
    if options.module is None and options.code is None and (why := unreadable(rest[0])):
        _say(f"python -m fxtorch: {why}")
        return 2
    alias(list(ROOTS) if options.stand_ins else None)
    if options.jit:
        jit_everything()
    if options.missing:
        return _report(options, rest)
    _run(options, rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
