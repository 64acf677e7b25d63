"""The pages about what is supported say what the tables say."""

from __future__ import annotations

from pathlib import Path

from bench.supported import answered, supported_page, updated_readme

ROOT = Path(__file__).parents[2]


def test_the_written_pages_are_those_of_the_tables() -> None:
    assert (ROOT / "docs" / "supported.md").read_text() == supported_page()
    readme = (ROOT / "README.md").read_text()
    assert updated_readme(readme) == readme


def test_the_stamped_reads_are_answered_by_gpf_and_gsme() -> None:
    for device in ("GPF", "GSME"):
        names = {use_case.name for use_case in answered()[device]}
        assert {"GCS13a", "GCS13b", "GCS13c", "GCS14", "GCS60", "GCS60a"} <= names
