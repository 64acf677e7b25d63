"""Radio strings: what they name, and what is said of those that name nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from han.radio import RadioError, Role
from hw.ether import Ether
from hw.radio_string import RadioString, open_radio


@pytest.mark.parametrize(
    ("text", "scheme", "place"),
    [
        ("ether:0A0B0C0D0E0F1011", "ether", "0A0B0C0D0E0F1011"),
        ("ether:", "ether", ""),
        ("vncp:0A0B0C0D0E0F1011?ezsp=8", "vncp", "0A0B0C0D0E0F1011"),
        ("vncp://bench", "ezsp", "vncp://bench"),
        ("/dev/ttyUSB0?baud=460800&flow=hardware", "ezsp", "/dev/ttyUSB0"),
        ("COM3", "ezsp", "COM3"),
        ("tcp://127.0.0.1:6638", "ezsp", "tcp://127.0.0.1:6638"),
        ("ezsp:/dev/serial/by-id/usb-x", "ezsp", "/dev/serial/by-id/usb-x"),
    ],
)
def test_a_radio_string_is_taken_apart(text: str, scheme: str, place: str) -> None:
    parsed = RadioString.parse(text)
    assert (parsed.scheme, parsed.place) == (scheme, place)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected ether:"),
        ("serial:/dev/ttyUSB0", "expected ether:"),
        ("ezsp:", "expected ether:"),
        ("socket://host:1", "tcp://"),
        ("ether:123", "16 hexadecimal"),
        ("ether:0A0B0C0D0E0F101G", "16 hexadecimal"),
        ("ether:?ezsp=13", "no option 'ezsp'"),
        ("vncp:?ezsp=15", "EZSP is one of"),
        ("vncp:?ezsp=new", "is a number"),
        ("vncp:", "EUI-64 is needed"),
        ("/dev/ttyUSB0?speed=9600", "no option 'speed'"),
        ("/dev/ttyUSB0?flow=wet", "flow is"),
    ],
)
def test_a_wrong_radio_string_is_named_with_the_reason(text: str, said: str) -> None:
    eui64 = None if said == "EUI-64 is needed" else 1
    with pytest.raises(RadioError, match=said) as refused:
        open_radio(text, Role.COORDINATOR, ether=Ether(), eui64=eui64)
    assert repr(text) in str(refused.value)


def test_virtual_radios_need_an_ether() -> None:
    with pytest.raises(RadioError, match="no ether"):
        open_radio("ether:0A0B0C0D0E0F1011", Role.ROUTER)


async def test_a_port_that_is_not_there_is_named() -> None:
    radio = open_radio("/dev/tty-of-no-dongle", Role.COORDINATOR)
    with pytest.raises(RadioError, match="tty-of-no-dongle"):
        await radio.start()
    await radio.close()


async def test_a_name_nobody_published_is_named() -> None:
    radio = open_radio("vncp://nobody", Role.COORDINATOR)
    with pytest.raises(RadioError, match="vncp://nobody"):
        await radio.start()
    await radio.close()


def test_the_ether_needs_neither_bellows_nor_zigpy() -> None:
    program = (
        "import sys; from hw.radio_string import open_radio; from hw.ether import Ether;"
        "from han.radio import Role; open_radio('ether:', Role.ROUTER, ether=Ether(), eui64=1);"
        "print([m for m in ('bellows', 'zigpy', 'serialx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.strip() == b"[]"
