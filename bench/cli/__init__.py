"""The command line. Each verb lives in its own module and is imported only when it is used."""

from bench.cli.main import main

__all__ = ["main"]
