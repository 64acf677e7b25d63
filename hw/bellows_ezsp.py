"""What this product takes from bellows and how: the EZSP object, its errors, its types."""

# ruff: noqa: SLF001 - names of bellows and zigpy that tests/hw/test_bellows_names.py watches

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import bellows.types as t
from bellows.ash import AshException
from bellows.exception import EzspError
from bellows.ezsp import EZSP
from serialx import SerialException
from zigpy.exceptions import ZigbeeException

from han.radio import Beacon, RadioError
from hw.ezsp_layout import layout_of

LOGGER = logging.getLogger(__name__)

TRANSMIT_POWER_DBM: Final = 8
ALL_CHANNELS: Final = 0x07FFF800


def _without_reassembly(handler: type) -> type:
    """The handler of one version, with messages passed on as they are, in plain values.

    These two callbacks are most of the traffic, so they take the short way past bellows' types.
    """
    tables = handler.COMMANDS  # type: ignore[attr-defined] # untyped library
    plain = {
        tables[name][0]: (name, layout_of(tables[name][2]))
        for name in ("incomingMessageHandler", "messageSentHandler")
    }

    class Handler(handler):  # type: ignore[misc] # untyped library
        def __call__(self, data: bytes) -> None:
            _, frame_id, body = self._ezsp_frame_rx(data)
            known = plain.get(frame_id)
            if known is None:
                super().__call__(data)
            else:
                name, layout = known
                self._handle_callback(name, layout.decode(body))

    return Handler


class SmartEnergyEzsp(EZSP):  # type: ignore[misc] # untyped library
    """bellows' EZSP object that passes fragments on instead of joining them."""

    _BY_VERSION = {  # noqa: RUF012 - as the base class has it
        version: _without_reassembly(handler) for version, handler in EZSP._BY_VERSION.items()
    }


TROUBLE: Final = (
    EzspError, AshException, ZigbeeException, SerialException, OSError, RuntimeError,
    AssertionError, ValueError,
    AttributeError,  # of a port that closed under bellows' hands, which then has no transport
)  # fmt: skip
"""What bellows, zigpy, serialx or the system raise when a dongle does not do as it should."""


@contextmanager
def radio_errors(doing: str) -> Iterator[None]:
    """TROUBLE becomes RadioError with ``doing`` in it."""
    try:
        yield
    except TimeoutError as exc:
        raise RadioError(f"{doing}: no answer in time") from exc
    except TROUBLE as exc:
        raise RadioError(f"{doing}: {exc or type(exc).__name__}") from exc


def layouts(ezsp: EZSP) -> Mapping[str, tuple[int, t.Struct, t.Struct]]:
    """The command table of the negotiated version: name to identifier and both layouts."""
    return ezsp._protocol.COMMANDS  # type: ignore[no-any-return] # untyped library


async def disconnect(ezsp: EZSP) -> None:
    """Close, also what is broken."""
    try:
        await ezsp.disconnect()
    except TROUBLE as exc:
        LOGGER.debug("closing a lost port: %r", exc)


def is_ok(status: t.uint8_t) -> bool:
    """Whether a status of any numbering says success."""
    return bool(t.sl_Status.from_ember_status(status) == t.sl_Status.OK)


def require(status: t.uint8_t, what: str) -> None:
    """EzspError that names ``what`` unless the status says success."""
    if not is_ok(status):
        raise EzspError(f"{what} refused: {status!r}")


def number(eui64: t.EUI64) -> int:
    """An EUI-64 of bellows as ours."""
    return int.from_bytes(eui64.serialize(), "little")


def eui64(number: int) -> t.EUI64:
    """An EUI-64 of ours for bellows."""
    return t.EUI64.deserialize(number.to_bytes(8, "little"))[0]


def beacon(network: t.EmberZigbeeNetwork, lqi: t.uint8_t, rssi: t.int8s) -> Beacon:
    """What an active scan of bellows found, as ours."""
    return Beacon(
        int(network.channel),
        int(network.panId),
        number(network.extendedPanId),
        bool(network.allowingJoin),
        int(lqi),
        int(rssi),
    )


def key_data(octets: bytes) -> t.KeyData:
    """A key for bellows."""
    return t.KeyData(octets)


def network_parameters(channel: int, pan_id: int, extended_pan_id: int) -> t.EmberNetworkParameters:
    """A network to form or join, for bellows."""
    return t.EmberNetworkParameters(
        extendedPanId=t.ExtendedPanId.deserialize(extended_pan_id.to_bytes(8, "little"))[0],
        panId=t.EmberPanId(pan_id),
        radioTxPower=t.uint8_t(TRANSMIT_POWER_DBM),
        radioChannel=t.uint8_t(channel),
        joinMethod=t.EmberJoinMethod.USE_MAC_ASSOCIATION,
        nwkManagerId=t.EmberNodeId(0),
        nwkUpdateId=t.uint8_t(0),
        channels=t.Channels(ALL_CHANNELS),
    )
