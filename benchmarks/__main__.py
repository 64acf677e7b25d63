"""Run every benchmark of this folder and print its figures."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules


def main(wanted: list[str]) -> None:
    for found in iter_modules([str(Path(__file__).parent)]):
        if found.name.startswith("_") or (wanted and found.name not in wanted):
            continue
        print(f"{found.name}")
        for name, value, unit in import_module(f"benchmarks.{found.name}").figures():
            print(f"  {name:58} {value:12,.2f} {unit}")


if __name__ == "__main__":
    main(sys.argv[1:])
