"""Tests of the hub run in virtual time."""

from tests.virtual_time import pytest_asyncio_loop_factories, timeline  # noqa: F401
