"""Alert and event codes by name."""

from __future__ import annotations

import json
from functools import cache

from gbcs.catalogue.table import table_text


@cache
def _names() -> dict[int, str]:
    rows: dict[str, str] = json.loads(table_text("alerts.json"))
    return {int(code, 16): name for code, name in rows.items()}


def alert_name(code: int) -> str | None:
    """What an alert or event code means; None when it is unknown."""
    return _names().get(code)
