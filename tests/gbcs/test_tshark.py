"""A second opinion: Wireshark's dissector reads the same fields."""

import struct
import subprocess
from pathlib import Path

from gbcs.body import GbzAlertBody, decode_body
from gbcs.build import Address, build, parameters
from gbcs.catalogue import UseCase, all_use_cases
from gbcs.catalogue.use_case import Kind
from gbcs.envelope import Cra, Message
from gbcs.gbt import split
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role
from gbcs.protection import add_mac
from gbcs.rtds import RtdsFile

_USER_DLT = 147
_GROUPING = "gbcs_message.grouping_header"
_FIELDS = (
    f"{_GROUPING}.cra_flag",
    f"{_GROUPING}.originator_counter",
    f"{_GROUPING}.business_originator_id",
    f"{_GROUPING}.business_target_id",
    f"{_GROUPING}.message_code",
    f"{_GROUPING}.supplementary_remote_party_id",
    f"{_GROUPING}.supplementary_remote_party_counter",
    "gbcs_gbz.extended_header_cluster",
    "gbcs_gbz.command_id",
    "gbcs_gbz.transaction",
    "_ws.malformed",
)


def capture(path: Path, messages: list[bytes]) -> Path:
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, _USER_DLT))
        for second, octets in enumerate(messages):
            file.write(struct.pack("<IIII", second, 0, len(octets), len(octets)) + octets)
    return path


def _rows(tshark: str, captured: Path, fields: tuple[str, ...]) -> list[list[str]]:
    table = 'uat:user_dlts:"User 0 (DLT=147)","gbcs_message","0","","0",""'
    chosen = [part for field in fields for part in ("-e", field)]
    done = subprocess.run(
        [tshark, "-r", str(captured), "-o", table, "-T", "fields", "-E", "occurrence=a", *chosen],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


def _number(text: str) -> int:
    return int(text.replace(":", ""), 16) if ":" in text else int(text, 0)


def _numbers(text: str) -> list[int]:
    return [_number(part) for part in text.split(",") if part]


def _components(message: Message) -> tuple[Component, ...]:
    body = decode_body(message)
    return body.components if isinstance(body, (Gbz, GbzAlertBody)) else ()


def _differences(message: Message, row: list[str]) -> list[str]:
    components = _components(message)
    expected = [
        [message.cra],
        [message.originator_counter],
        [message.originator],
        [message.recipient],
        [message.message_code],
        [] if message.supplementary_id is None else [message.supplementary_id],
        [] if message.supplementary_counter is None else [message.supplementary_counter],
    ]
    found = [_numbers(text)[:1] for text in row[:7]]
    problems = [
        f"{name}: {theirs} is not {ours}"
        for name, ours, theirs in zip(_FIELDS, expected, found, strict=False)
        if ours != theirs
    ]
    if components:
        ours = [component.cluster_id for component in components]
        if _numbers(row[7]) != ours:
            problems.append(f"clusters: {row[7]} is not {ours}")
        commands = [component.frame.command_id for component in components]
        if _numbers(row[8])[: len(commands)] != commands:
            problems.append(f"commands: {row[8]} is not {commands}")
    return problems + (["malformed"] if row[10] else [])


def test_reference_messages_read_alike(
    rtds_files: list[RtdsFile], tshark: str, tmp_path: Path
) -> None:
    files = [file for file in rtds_files if file.kind != "PRECOMMAND"]
    made = capture(tmp_path / "reference.pcap", [file.octets for file in files])
    rows = _rows(tshark, made, _FIELDS)
    assert len(rows) == len(files)
    for file, row in zip(files, rows, strict=True):
        assert _differences(Message.parse(file.octets), row) == [], file.name


def test_built_commands_read_alike(tshark: str, tmp_path: Path) -> None:
    keys = KeyStore()
    keys.add_private(0x90B3D51F30000002, Usage.KEY_AGREEMENT, 3, Role.ACCESS_CONTROL_BROKER)
    keys.add_private(0x00DB1234567890A0, Usage.KEY_AGREEMENT, 4)
    keys.add_private(0x90B3D51F30010000, Usage.KEY_AGREEMENT, 5)
    address = Address(
        originator=0x90B3D51F30010000, recipient=0x00DB1234567890A0, originator_counter=77
    )
    built = [
        add_mac(build(use_case, {}, address), keys)
        for use_case in all_use_cases()
        if use_case.kind is Kind.COMMAND and _needs_nothing(use_case)
    ]
    made = capture(tmp_path / "built.pcap", [message.to_bytes() for message in built])
    rows = _rows(tshark, made, _FIELDS)
    assert len(rows) == len(built) > 50
    for message, row in zip(built, rows, strict=True):
        assert _differences(message, row) == [], f"{message.message_code:04X}"


def _needs_nothing(use_case: UseCase) -> bool:
    known = bool(use_case.items() or use_case.components(Cra.COMMAND))
    optional = bool(use_case.items()) and all(item.optional for item in use_case.items())
    return known and not optional and not any(info.required for info in parameters(use_case))


def test_blocks_are_put_together_alike(
    rtds_files: list[RtdsFile], tshark: str, tmp_path: Path
) -> None:
    long = next(f.octets for f in rtds_files if len(f.octets) > 1000 and f.kind == "COMMAND")
    blocks = split(long, 300)
    made = capture(tmp_path / "blocks.pcap", [block.to_bytes() for block in blocks])
    header = "gbcs_message.gbt_header"
    names = (f"{header}.block_number", f"{header}.block_control.last_block",
             "gbcs_message.gbt.reassembled.length", "_ws.malformed")  # fmt: skip
    rows = _rows(tshark, made, names)
    assert [_number(row[0]) for row in rows] == [block.number for block in blocks]
    assert [row[1] for row in rows] == [str(int(block.last)) for block in blocks]
    assert _number(rows[-1][2]) == len(long)
    assert not any(row[3] for row in rows)
