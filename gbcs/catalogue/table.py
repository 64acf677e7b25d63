"""Reading the catalogue's own data files."""

from __future__ import annotations

from importlib.resources import files


def table_text(name: str) -> str:
    """The text of one data file beside this module."""
    return files("gbcs.catalogue").joinpath(name).read_text(encoding="utf-8")
