"""Display tests run in virtual time."""

from tests.virtual_time import pytest_asyncio_loop_factories, timeline

__all__ = ["pytest_asyncio_loop_factories", "timeline"]
