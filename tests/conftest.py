"""Outside help for the tests: reference messages and programs, skipped with a reason when absent.

With CHUB_REQUIRE_ALL set, what is absent fails the run instead.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from gbcs.keys import KeyStore
from gbcs.rtds import RtdsFile, find_keystore, read_directory

settings.register_profile(  # how fast the machine is decides about no test
    "chub", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("chub")

_BESIDE_THE_PROJECT = Path(__file__).resolve().parents[2] / "shared" / "rtds"


def _absent(reason: str) -> NoReturn:
    if os.environ.get("CHUB_REQUIRE_ALL"):
        pytest.fail(f"CHUB_REQUIRE_ALL is set, but {reason}")
    pytest.skip(reason)


def _program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        _absent(f"{name} is not installed")
    return path


@pytest.fixture(scope="session")
def rtds_dir() -> Path:
    """The directory that holds reference messages (``*.HEX``) and their ``keystore``."""
    place = Path(os.environ.get("CHUB_RTDS") or _BESIDE_THE_PROJECT)
    if not place.is_dir():
        _absent(f"no reference messages: {place} is not a directory (set CHUB_RTDS)")
    return place


@pytest.fixture(scope="session")
def rtds_files(rtds_dir: Path) -> list[RtdsFile]:
    """Every reference message, in the order of its path."""
    return list(read_directory(rtds_dir))


@pytest.fixture(scope="session")
def _published_keys(rtds_dir: Path) -> KeyStore:
    return find_keystore(rtds_dir)


@pytest.fixture
def rtds_keys(_published_keys: KeyStore) -> KeyStore:
    """The keys published with the reference messages; what a test adds is its own."""
    return KeyStore(base=_published_keys)


@pytest.fixture(scope="session")
def tshark() -> str:
    """Path of tshark."""
    return _program("tshark")


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """Path of the mosquitto broker."""
    return _program("mosquitto")
