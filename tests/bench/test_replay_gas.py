"""Reference commands to the gas meter and its proxy, one of every kind of arranged state."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.replay import pair_of, replay
from gbcs.keys import KeyStore
from gbcs.rtds import RtdsFile, pairs, read_directory

CHOSEN = (
    "CS01b_2.2_SUCCESS",
    "CS10a_6.13_SUCCESS",
    "CS11_3.3_ERROR",
    "GCS01a_1.1.1_FUTURE_DATED_BLOCK_SUCCESS",
    "GCS01b_1.2.1_CANCELLATION_BLOCK_SUCCESS",
    "GCS02_1.6_FUTURE_DATED_SUCCESS",
    "GCS04_2.3_ERROR",
    "GCS05_2.1_FUTURE_DATED_ERROR",
    "GCS06_2.5_SUCCESS",
    "GCS15b_4.4.2_SUCCESS",
    "GCS15e_4.4.5_SUCCESS",
    "GCS16a_4.6.1_ERROR",
    "GCS20_6.22_ERROR",
    "GCS20r_6.2.10_SUCCESS",
    "GCS21b_4.13_ERROR",
    "GCS21f_4.11.1_SUCCESS",
    "GCS28_6.11_ERROR",
    "GCS31_14.1_ERROR",
    "GCS32_7.2_SUCCESS",
    "GCS40d_1.5_ERROR",
    "GCS46_6.2.7_ERROR",
)


@pytest.fixture(scope="module")
def recorded(rtds_dir: Path) -> dict[str, tuple[RtdsFile, RtdsFile]]:
    return {one.name: (one, other) for one, other in pairs(list(read_directory(rtds_dir)))}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_recorded_command_is_answered_as_recorded(
    name: str, recorded: dict[str, tuple[RtdsFile, RtdsFile]], rtds_keys: KeyStore
) -> None:
    assert replay(pair_of(*recorded[f"{name}_COMMAND"], rtds_keys), rtds_keys) is None
