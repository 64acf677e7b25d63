"""What is supported, written from the tables that do it: ``docs/supported.md`` and a README part.

``python -m bench.supported`` writes both; a test says when they are behind the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.demo import DEMOS
from bench.roles import endpoints_by_role
from chub.own_commands import use_cases as chf_use_cases
from device.common import common_use_cases
from device.refusal import SECURITY_LOG_CODES, Refusal
from esme.device import use_cases as esme_use_cases
from esme.sapc.device import USE_CASES as SAPC_USE_CASES
from gbcs.catalogue import UseCase, all_use_cases, by_name
from gbcs.catalogue.use_case import Kind
from gbcs.party import DeviceType
from gpf.device import use_cases as gpf_use_cases
from gsme.meter import use_cases as gsme_use_cases
from han.clusters import by_id
from han.endpoint import Endpoint
from han.zcl.tables import Side
from peers.hcalcs import USE_CASES as HCALCS_USE_CASES

README_PART: Final = re.compile(r"(<!-- supported:[^\n]*-->\n).*?(<!-- /supported -->)", re.DOTALL)
_NAMED_IN_README: Final = 12
"""Use cases of a device that the README names: CS02b once, whatever it changes."""


def answered() -> dict[str, tuple[UseCase, ...]]:
    """The use cases that each emulated device answers."""
    names = {
        "CHF": chf_use_cases(),
        "GPF": gpf_use_cases(),
        "GSME": gsme_use_cases(),
        "ESME": esme_use_cases(),
        "HCALCS": HCALCS_USE_CASES,
        "SAPC": SAPC_USE_CASES,
        "PPMID": (),
    }
    return {
        device: tuple(map(by_name, (*found, *common_use_cases(DeviceType(device)))))
        for device, found in names.items()
    }


def readme_part() -> str:
    """The table of the README."""
    return "\n".join(_readme_lines()) + "\n"


def _readme_lines() -> Iterator[str]:
    known = sum(use_case.kind is Kind.COMMAND for use_case in all_use_cases())
    yield "| what | how far |"
    yield "|---|---|"
    yield f"| the language | {len(all_use_cases())} message codes named, decoded and explained |"
    for device, use_cases in answered().items():
        names = list(dict.fromkeys(use_case.name.partition("-")[0] for use_case in use_cases))
        more = " and more" if len(names) > _NAMED_IN_README else ""
        listed = ", ".join(names[:_NAMED_IN_README])
        yield f"| answered by the {device} | {len(use_cases)} of {known}: {listed}{more} |"
    yield "| radios | EZSP dongle through bellows, virtual dongle (EZSP 8 to 19), virtual air |"
    yield "| WAN side | GFI text over TCP, MQTT, command line |"
    yield f"| demonstrations | {', '.join(f'`chub demo {name}`' for name in DEMOS)} |"


def supported_page() -> str:
    """``docs/supported.md``."""
    return "\n".join(_page_lines()) + "\n"


def _page_lines() -> Iterator[str]:
    yield "# What is supported"
    yield ""
    yield "Written by `python -m bench.supported` from the tables that do it."
    yield from _use_case_lines()
    yield from _cluster_lines()
    yield from _attribute_lines()
    yield from _refusal_lines()


def _use_case_lines() -> Iterator[str]:
    for device, use_cases in answered().items():
        yield from ("", f"## Use cases answered by the {device}", "")
        yield from ("| use case | code | title | category | stamped |", "|---|---|---|---|---|")
        for use_case in use_cases:
            stamped = "yes" if use_case.stamped else ""
            code = f"{use_case.message_code:04X}"
            head = f"| {use_case.name} | {code} | {use_case.title}"
            yield f"{head} | {use_case.category} | {stamped} |"


def _cluster_lines() -> Iterator[str]:
    yield from ("", "## Clusters on the HAN", "")
    yield "Endpoint numbers are the bench's defaults; peers discover them."
    for role, endpoints in endpoints_by_role().items():
        yield from ("", f"### {role}", "")
        yield from (
            "| endpoint | cluster | side | attributes | commands |",
            "|---|---|---|---|---|",
        )
        for endpoint in endpoints:
            yield from _endpoint_lines(endpoint)


def _endpoint_lines(endpoint: Endpoint) -> Iterator[str]:
    for (cluster_id, side), served in sorted(
        endpoint.server.clusters.items(), key=lambda entry: (entry[0][0], entry[0][1].value)
    ):
        attributes = " ".join(f"{one:04X}" for one in sorted(served.attributes))
        received = {one.id: one.name for one in by_id(cluster_id).received(side)}
        commands = ", ".join(received.get(one, f"{one:02X}") for one in sorted(served.commands))
        name = f"{by_id(cluster_id).name} {cluster_id:04X}"
        shown = "server" if side is Side.SERVER else "client"
        yield f"| {endpoint.number} | {name} | {shown} | {_shortened(attributes)} | {commands} |"


Row = tuple[int, str, str, str]
"""An attribute: identifier, name, type, and the roles that have it."""


def _attribute_lines() -> Iterator[str]:
    yield from ("", "## Attributes with their types", "")
    yield "Attributes that follow each other and differ by a number alone share a line."
    for (cluster_id, side), rows in sorted(
        _attributes().items(), key=lambda entry: (entry[0][0], entry[0][1].value)
    ):
        yield from ("", f"### {by_id(cluster_id).name} {cluster_id:04X}, {side.value}", "")
        yield from ("| attribute | name | type | served by |", "|---|---|---|---|")
        for run in _runs(rows):
            (first, name, kind, roles), last = run[0], run[-1]
            step = run[1][0] - first if len(run) > 1 else 0
            every = f", every {step:X}" if step > 1 else ""
            ids = f"{first:04X} to {last[0]:04X}{every}" if step else f"{first:04X}"
            shown = name if len(run) == 1 else f"{name} to {last[1]}"
            yield f"| {ids} | {shown} | {kind} | {roles} |"


def _attributes() -> dict[tuple[int, Side], list[Row]]:
    """By cluster and side, each attribute that any role serves."""
    roles: dict[tuple[int, Side, int], list[str]] = {}
    for role, endpoints in endpoints_by_role().items():
        for endpoint in endpoints:
            for (cluster_id, side), served in endpoint.server.clusters.items():
                for number in served.attributes:
                    held = roles.setdefault((cluster_id, side, number), [])
                    held += [] if role in held else [role]
    found: dict[tuple[int, Side], list[Row]] = {}
    for (cluster_id, side, number), names in sorted(
        roles.items(), key=lambda entry: (entry[0][0], entry[0][1].value, entry[0][2])
    ):
        known = by_id(cluster_id).attribute(number, side)
        if known is not None:
            row = (number, known.name, known.type.name, ", ".join(names))
            found.setdefault((cluster_id, side), []).append(row)
    return found


def _runs(rows: list[Row]) -> list[list[Row]]:
    """Rows that follow each other at one step, and differ by the numbers in their names alone."""

    def likeness(row: Row) -> tuple[str, str, str]:
        return (re.sub(r"[0-9]+", "#", row[1]), row[2], row[3])

    runs: list[list[Row]] = []
    for row in rows:
        last = runs[-1] if runs else []
        alike = bool(last) and likeness(last[-1]) == likeness(row)
        if alike and (len(last) == 1 or row[0] - last[-1][0] == last[1][0] - last[0][0]):
            last.append(row)
        else:
            runs.append([row])
    return runs


def _shortened(attributes: str) -> str:
    listed = attributes.split()
    if len(listed) <= 24:
        return attributes
    return f"{len(listed)} attributes, {listed[0]} to {listed[-1]}"


def _refusal_lines() -> Iterator[str]:
    yield from ("", "## Refusals", "", "No refused message is answered.", "")
    yield from ("| name | when | security log |", "|---|---|---|")
    for refusal in Refusal:
        code = SECURITY_LOG_CODES[refusal]
        yield f"| {refusal.name} | {refusal.value} | {'' if code is None else f'{code:04X}'} |"


def updated_readme(text: str) -> str:
    """A README with its generated part renewed."""
    return README_PART.sub(lambda found: found[1] + readme_part() + found[2], text)


def main() -> None:
    """Write both pages."""
    root = Path(__file__).parent.parent
    (root / "docs" / "supported.md").write_text(supported_page())
    readme = root / "README.md"
    readme.write_text(updated_readme(readme.read_text()))


if __name__ == "__main__":
    main()
