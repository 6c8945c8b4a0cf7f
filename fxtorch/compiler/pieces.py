"""The working memory of a large program in several blocks, which malloc keeps, in place of one that it maps anew.

XLA takes what a program holds in between as one block for each call.  glibc gives a thread other than the first no
more than 64 MB at once from memory that it keeps: a larger block is mapped from the system, which zeroes every page of
it again (30 of the 146 ms of a CNN's step, 91 of a transformer's 600).  In blocks of 16 MB the same program, with the
same results, takes 0.78 to 0.86 of the time.  JAX cannot keep a program of several blocks on disk, so that only what
has run for a while is compiled once more.

What malloc keeps is more than what is in use at once (2.5 times as much, by what was seen), and each of XLA's threads
may keep its own: where that could be a quarter of the machine's memory, the program stays as it is.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from typing import Any

import jax

from fxtorch import _setup
from fxtorch.ops.xla import pieces_of

CALLS = 50  # after which a loop is taken to go on: compiling again takes as long as 50 to 200 steps gain
LARGEST_KEPT = 64 << 20
SMALLEST_PIECE = 16 << 20
_THREADS = min(os.cpu_count() or 1, 32)  # of XLA's that start programs; JAX lets no more programs wait
_SHAPE = re.compile(r"\b(?:pred|[a-z]+(\d+)\w*)\[([\d,]*)\]")


def in_pieces(run: Any, given: Any) -> Callable[..., Any] | None:
    """What ``jax.jit`` made of a function, compiled again for the arguments ``given``; None where nothing is gained.

    Args:
        run: the function, which has run on such arguments.
        given: the arguments; they are not used up.
    """
    if not _setup.keeps_memory or pieces_of(SMALLEST_PIECE) is None:
        return None
    lowered = run.lower(*given)
    whole = lowered.compile()
    held = whole.memory_analysis().temp_size_in_bytes
    if held <= LARGEST_KEPT or held * (_THREADS + 1) > _memory() / 4:
        return None
    wanted = pieces_of(max(SMALLEST_PIECE, largest_array(whole.as_text())))
    shortest = jax.config.values["jax_persistent_cache_min_compile_time_secs"]
    jax.config.update("jax_persistent_cache_min_compile_time_secs", math.inf)  # it would be written, and cannot be
    try:
        return lowered.compile(compiler_options=wanted)
    finally:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", shortest)


def _memory() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def largest_array(hlo: str) -> int:
    r"""Bytes of the largest array that an optimised program has in memory: XLA warns of pieces that are too small.

    >>> largest_array("%fused_add (p: f32[9]) -> f32[9] {\n %a = f64[99] b\n}\nENTRY %main {\n %c = f32[2,3] d\\n}")
    24
    """
    most, in_memory = 0, True
    for line in hlo.splitlines():
        if line.endswith("{"):  # a computation begins; the arrays inside of a fused one are never written
            in_memory = not line.startswith(("%fused", "%wrapped"))
        elif in_memory:
            for bits, dims in _SHAPE.findall(line):
                most = max(most, int(bits or 8) // 8 * math.prod(map(int, filter(None, dims.split(",")))))
    return most
