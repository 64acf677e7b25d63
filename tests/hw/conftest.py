"""Radio tests run in virtual time; those of the port over every filling of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from device.timeline import Timeline
from tests.hw.air import FILLINGS, Air
from tests.virtual_time import pytest_asyncio_loop_factories, timeline

__all__ = ["pytest_asyncio_loop_factories", "timeline"]


@pytest.fixture(params=FILLINGS)
async def air(request: pytest.FixtureRequest, timeline: Timeline) -> AsyncIterator[Air]:
    """A hub on each filling, and the air around it."""
    air = Air(timeline, request.param)
    yield air
    await air.close()
