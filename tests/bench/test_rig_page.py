"""The page on the rig file names every key, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from bench.rig import (
    Admitted,
    Display,
    ElectricityMeter,
    GasMeter,
    Hub,
    Keys,
    LoadSwitch,
    Network,
    Parties,
    Rig,
    Wan,
)
from bench.rig_partners import AccessDevice
from bench.rig_section import Section

PAGE = (Path(__file__).parents[2] / "docs" / "rig.md").read_text()
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
NAMED = {name for row in ROWS for name in re.findall(r"`([a-z_0-9.]+)`", row[0])}
DOTTED: dict[str, type[Section]] = {
    "hub": Hub,
    "network": Network,
    "wan": Wan,
    "keys": Keys,
    "parties": Parties,
}
DEVICES = (GasMeter, ElectricityMeter, Display, LoadSwitch, AccessDevice, Admitted)


def test_every_key_of_a_rig_is_on_the_page() -> None:
    top = set(Rig.model_fields) - set(DOTTED)
    listed = {name for name in top if f"[{name}]" in PAGE or f"[{name}." in PAGE or name in NAMED}
    assert listed == top
    sections = {f"{name}.{key}" for name, made in DOTTED.items() for key in made.model_fields}
    devices = {key for made in DEVICES for key in made.model_fields}
    assert sections | devices <= NAMED


def test_the_page_names_no_key_that_is_none() -> None:
    known = set(Rig.model_fields)
    known |= {f"{name}.{key}" for name, made in DOTTED.items() for key in made.model_fields}
    known |= {key for made in DEVICES for key in made.model_fields}
    topics = {name for name in NAMED if name.startswith("...")}
    assert NAMED - topics <= known


def defaults(columns: int, column: int) -> dict[str, str]:
    """Key to default, of the tables with so many columns."""
    return {
        name.strip("`"): default.strip("`")
        for row in ROWS
        if len(row) == columns
        for name, default in zip(
            row[0].strip("| ").split(", "), row[column].split(", "), strict=False
        )
        if default.startswith("`")
    }


def test_a_default_on_the_page_is_the_default() -> None:
    shown = defaults(columns=3, column=1)
    prefixed: dict[str, type[Section]] = {f"{name}.": made for name, made in DOTTED.items()}
    held = {prefix + key: field.default for prefix, made in ({"": Rig} | prefixed).items()
            for key, field in made.model_fields.items()}  # fmt: skip
    compared = shown.keys() & held.keys()
    assert len(compared) > 10
    for key in compared:
        if key in ("hub.gpf", "hub.chf"):
            assert int(shown[key].strip('"'), 16) == held[key]
        elif shown[key].startswith('"'):
            assert shown[key].strip('"') == held[key]
        else:
            assert int(shown[key], 0) == held[key]


def test_a_meters_default_on_the_page_is_the_default() -> None:
    numbers = {key: text for key, text in defaults(4, 2).items() if text.isdigit()}
    held = {key: field.default for made in (GasMeter, ElectricityMeter)
            for key, field in made.model_fields.items()}  # fmt: skip
    assert len(numbers) > 8
    assert {key: int(text) for key, text in numbers.items()} == {key: held[key] for key in numbers}
