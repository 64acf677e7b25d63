"""The names of the package itself."""

import subprocess
import sys
from importlib import import_module

import pytest

import gbcs


def test_every_name_leads_to_its_home() -> None:
    for name in gbcs.__all__:
        assert getattr(gbcs, name).__module__.startswith("gbcs."), name
    assert set(gbcs.__all__) <= set(dir(gbcs))
    assert gbcs.Message is import_module("gbcs.envelope").Message
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = gbcs.nonsense  # type: ignore[attr-defined]  # wrong on purpose


def test_the_package_alone_loads_nothing_heavy() -> None:
    script = "import sys, gbcs; print(sorted({'cryptography', 'asyncio', 'json'} & {*sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
