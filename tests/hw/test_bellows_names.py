"""The private names of bellows that this product leans on.

When one moves, this fails first and says which.
"""

from __future__ import annotations

import inspect

import bellows.types as t
import pytest
from bellows.ezsp import EZSP
from bellows.ezsp.protocol import ProtocolHandler

from hw.ezsp_status import Status
from hw.vncp.configuration import INERT
from hw.vncp.ezsp import SUPPORTED_VERSIONS
from hw.vncp.ncp import FIRMWARE, HANDLERS


def test_the_handlers_by_version_can_be_replaced_in_a_subclass() -> None:
    assert set(SUPPORTED_VERSIONS) <= set(EZSP._BY_VERSION)
    assert "self._BY_VERSION" in inspect.getsource(EZSP._switch_protocol_version)


def test_the_protocol_handler_decodes_and_dispatches_as_we_override_it() -> None:
    assert list(inspect.signature(ProtocolHandler.__call__).parameters) == ["self", "data"]
    assert list(inspect.signature(ProtocolHandler._ezsp_frame_rx).parameters) == ["self", "data"]
    assert "self._handle_callback(frame_name, result)" in inspect.getsource(
        ProtocolHandler.__call__
    )
    for version in SUPPORTED_VERSIONS:
        assert EZSP._BY_VERSION[version].COMMANDS["incomingMessageHandler"][0] == 0x45


def test_the_application_is_told_of_a_lost_connection() -> None:
    assert "self._application.connection_lost(exc)" in inspect.getsource(EZSP.connection_lost)
    assert "_protocol" in vars(EZSP({"path": "none"}))


def test_commands_can_be_given_past_the_convenience_wrappers() -> None:
    assert "pollForData" in vars(EZSP)
    assert callable(EZSP._command)


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_every_version_has_a_firmware_and_a_callback_layout(version: int) -> None:
    assert version in FIRMWARE
    callbacks = {"stackStatusHandler", "messageSentHandler", "trustCenterJoinHandler"}
    assert callbacks <= EZSP._BY_VERSION[version].COMMANDS.keys()


def test_every_handler_is_a_command_of_some_version() -> None:
    named = {name for version in SUPPORTED_VERSIONS for name in EZSP._BY_VERSION[version].COMMANDS}
    assert set(HANDLERS) <= named
    assert set(INERT) <= set(HANDLERS)


@pytest.mark.parametrize("status", list(Status))
def test_statuses_have_the_numbers_that_bellows_gives_them(status: Status) -> None:
    """Where both name it alike; ours is a table of its own."""
    ember = {m.name: m.value for m in t.EmberStatus}
    sl = {m.name: m.value for m in t.sl_Status}
    for name in (status.name, f"ZIGBEE_{status.name}"):
        if name in sl and status is not Status.JOIN_FAILED:
            assert status.sl == sl[name]
    if status.name in ember:
        assert status.ember == ember[status.name]
