"""Kill -9 at any point of a meter's life: acknowledged effects are there once, logs are whole."""

from pathlib import Path

import pytest

from tests.esme.kill.dying import Careless
from tests.esme.kill.process import kill_after
from tests.esme.kill.trial import Trial


@pytest.mark.parametrize("seed", [101, 102, 103])
def test_a_meter_killed_at_random_points_is_what_one_is_that_never_was(
    tmp_path: Path, seed: int
) -> None:
    trial = Trial(seed, tmp_path)
    trial.run(kills=75)
    assert len(trial.kills) > 8, "kinds of steps the meter died in"
    kept = trial.twin.device.meter.kept
    assert kept.balances.meter_balance > 0
    assert kept.measurements.energy.active_import.units > 0
    assert kept.measurements.phases[0].average.profile.entries


def test_a_store_that_keeps_no_units_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="seed 1"):
        Trial(1, tmp_path, counting=Careless).run(kills=75)


@pytest.mark.parametrize("steps", [1, 17, 60])
def test_a_killed_process_has_done_every_command_once(tmp_path: Path, steps: int) -> None:
    kill_after(steps, tmp_path / "rig.sqlite", seed=steps)
