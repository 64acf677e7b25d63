"""Errors as they come out of task groups."""

from __future__ import annotations


def innermost(error: Exception) -> Exception:
    """The one error inside a group of one: task groups wrap what ends them."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
