"""Device tests run in virtual time."""

from __future__ import annotations

from tests.device.pair import pair
from tests.virtual_time import pytest_asyncio_loop_factories, timeline

__all__ = ["pair", "pytest_asyncio_loop_factories", "timeline"]
