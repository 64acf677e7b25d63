"""The product's own programs, run as others run them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LIMIT_S: Final = 120.0
"""A program that takes longer hangs, also on a machine that does much else."""


@contextmanager
def chub(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "-m", "bench", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def ask(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """What a program says that ends by itself."""
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=_LIMIT_S, input=typed
    )


def line_with(process: subprocess.Popen[str], *words: str) -> str:
    """The first line of a program that has all these words; its end fails the test."""
    assert process.stdout is not None
    for line in process.stdout:
        if all(word in line for word in words):
            return line.strip()
    raise AssertionError(f"no line with {words}")


def wan_of(bench: subprocess.Popen[str]) -> str:
    """The address on which a ``chub run`` says that it takes commands."""
    return line_with(bench, "WAN on").split("WAN on ")[1].split()[0]
