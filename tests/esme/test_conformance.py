"""Recorded commands for an electricity meter, executed by ours."""

from collections.abc import Iterator

from esme.conformance import replay
from gbcs.catalogue import Technology, by_code
from gbcs.envelope import Message
from gbcs.keys import KeyStore
from gbcs.rtds import RtdsFile, pairs

RECORDED_ESME = 0x00DB1234567890A0


def recorded(files: list[RtdsFile]) -> Iterator[tuple[str, Message, Message]]:
    for command, response in pairs(files):
        asked = Message.parse(command.octets)
        use_case = by_code(asked.message_code)
        is_dlms = use_case is not None and use_case.technology is Technology.DLMS
        if asked.recipient != RECORDED_ESME or not is_dlms:
            continue
        yield command.name, asked, Message.parse(response.octets)


def test_every_recorded_command_is_answered_as_recorded(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    outcomes = {
        name: replay(command, response, rtds_keys)
        for name, command, response in recorded(rtds_files)
    }
    assert len(outcomes) > 150
    assert {name: why for name, why in outcomes.items() if why} == {}
