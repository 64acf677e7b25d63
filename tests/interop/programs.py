"""The product's own programs, run as others run them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def chub(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "-m", "bench", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


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
