"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from bench.cli.main import LazyGroup, group
from bench.rig import Rig, load_rig

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (chub .*?)(?:\s+#.*)?$", README, re.MULTILINE)


def test_the_rig_of_the_readme_is_a_rig(tmp_path: Path) -> None:
    [text] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "rig.toml"
    path.write_text(text)
    rig = load_rig(path)
    assert isinstance(rig, Rig)
    assert rig.store == tmp_path / "rig.sqlite"
    assert [one.kind for one in rig.admitted] == ["PPMID"]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_readme_has_verb_and_options_as_shown(line: str) -> None:
    verb, *rest = shlex.split(line.split("|")[0])[1:]
    assert isinstance(group, LazyGroup)
    context = click.Context(group)
    command = group.get_command(context, verb)
    assert command is not None
    if isinstance(command, click.Group):
        command = command.get_command(context, rest.pop(0))
        assert command is not None
    known = {name for option in command.params for name in option.opts}
    assert {word.split("=")[0] for word in rest if word.startswith("--")} <= known
