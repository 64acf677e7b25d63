"""``python -m bench`` is ``chub``."""

from bench.cli import main

main()
