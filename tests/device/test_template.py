"""Which components a use case allows, with regular expressions as the second opinion."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from device.template import first_misfit
from gbcs.catalogue import ComponentSpec
from gbcs.gbz import Component
from gbcs.zcl.frame import Frame


def spec(letter: str, least: int, most: int) -> ComponentSpec:
    return ComponentSpec(
        cluster_id=ord(letter),
        command_id=1,
        frame_control=1,
        least=least,
        most=most,
        alternate=None,
        encrypted=False,
        from_date_time=False,
        attributes=(),
        fixed={},
        limits={},
    )


def components(letters: str) -> tuple[Component, ...]:
    frames = (Frame(1, number & 0xFF, 1) for number in range(len(letters)))
    return tuple(Component(ord(c), frame) for c, frame in zip(letters, frames, strict=True))


_SPECS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 2)).map(
        lambda row: (row[0], row[1], max(1, row[1] + row[2]))
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=300)
@given(_SPECS, st.text("abc", max_size=8))
def test_counts_in_order_are_those_of_a_regular_expression(
    rows: list[tuple[str, int, int]], letters: str
) -> None:
    pattern = "".join(f"{letter}{{{least},{most}}}" for letter, least, most in rows)
    specs = tuple(spec(*row) for row in rows)
    misfit = first_misfit(specs, components(letters))
    assert (misfit is None) is (re.fullmatch(pattern, letters) is not None)
    if misfit is not None and misfit < len(letters):
        assert not any(
            re.fullmatch(pattern, letters[: misfit + 1] + rest) for rest in ("", "a", "b", "c")
        )


def test_every_part_of_a_component_counts() -> None:
    prescribed = (spec("a", 1, 1),)
    good = Component(ord("a"), Frame(1, 0, 1))
    assert first_misfit(prescribed, (good,)) is None
    for bad in (
        Component(ord("b"), Frame(1, 0, 1)),
        Component(ord("a"), Frame(1, 0, 2)),
        Component(ord("a"), Frame(9, 0, 1)),
        Component(ord("a"), Frame(1, 0, 1), from_date_time=0),
        Component(ord("a"), Frame(1, 0, 1), encrypted=True, sealed=bytes(17)),
    ):
        assert first_misfit(prescribed, (bad,)) == 0
    assert first_misfit(prescribed, ()) == 0
    assert first_misfit(prescribed, (good, good)) == 1
