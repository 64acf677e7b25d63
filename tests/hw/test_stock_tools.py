"""The stock bellows command line against a served dongle, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = """
import asyncio, sys
from pathlib import Path
from hw.ether import Ether
from hw.stack import FileStore
from hw.vncp.serve import Dongle, serving

async def main():
    dongle = Dongle(memory=FileStore(Path(sys.argv[1])), ezsp_version=int(sys.argv[2]))
    async with serving(dongle, Ether()) as at:
        print(at, flush=True)
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


@pytest.fixture(params=[13, 19])
def dongle(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a dongle is served by another process."""
    command = [sys.executable, "-c", SERVER, str(tmp_path / "dongle.json"), str(request.param)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


def _bellows(dongle: str, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("bellows")), "-d", dongle, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bellows_shows_forms_and_permits(dongle: str, tmp_path: Path) -> None:
    shown = _bellows(dongle, "info")
    assert "00:02:a7:ff:fe:00:00:01" in shown
    assert "JOINED_NETWORK" in shown
    assert "Board name: virtual dongle" in shown
    database = tmp_path / "zigpy.db"
    database.touch()
    _bellows(dongle, "form", "-D", str(database))
    assert "COORDINATOR" in _bellows(dongle, "info")
    assert "CONFIG_KEY_TABLE_SIZE=12" in _bellows(dongle, "config", "--all")
