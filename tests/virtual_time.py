"""Async tests in virtual time: in a ``conftest.py``, import the three names below.

``from tests.virtual_time import pytest_asyncio_loop_factories, timeline  # noqa: F401``

Every async test of that folder then runs on a fresh jumping timeline that starts at ``START``, and
a test whose tasks wait for something that cannot come fails with ``Stalled`` instead of hanging.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import pytest

from device.timeline import Timeline, TimelineLoop

START: Final = datetime(2026, 1, 1, tzinfo=UTC)


def virtual_loop() -> asyncio.AbstractEventLoop:
    return Timeline(START, watch_stalls=True).new_loop()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Loops for pytest-asyncio."""
    return {"virtual": virtual_loop}


@pytest.fixture
async def timeline() -> Timeline:
    """The timeline the test runs on."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, TimelineLoop)
    return loop.timeline
