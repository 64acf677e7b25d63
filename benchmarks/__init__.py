"""Figures, never verdicts: ``make bench`` prints them. No test depends on them."""
