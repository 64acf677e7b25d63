"""What the README, the documents and the help of the verbs show works as it stands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.cli.main import LazyGroup, group
from bench.rig import Rig, load_rig

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [README, *(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))]
SHOWN = re.compile(r"^\$ (chub .*?)(?:\s+#.*)?$", re.MULTILINE)
COMMANDS = list(dict.fromkeys(line for page in PAGES for line in SHOWN.findall(page)))


def verbs(command: click.Command, context: click.Context) -> Iterator[click.Command]:
    """Every verb, with those below it."""
    if not isinstance(command, click.Group):
        yield command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from verbs(found, context)


EXAMPLES = [
    line
    for verb in verbs(group, click.Context(group))
    for line in re.findall(r"^ *(chub .*)$", (verb.epilog or "").replace("\\\n", ""), re.MULTILINE)
]


def test_the_rig_of_the_readme_is_a_rig(tmp_path: Path) -> None:
    [text] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "rig.toml"
    path.write_text(text)
    rig = load_rig(path)
    assert isinstance(rig, Rig)
    assert rig.store == tmp_path / "rig.sqlite"
    assert [one.kind for one in rig.admitted] == ["PPMID"]


def test_the_verbs_that_people_use_most_show_examples() -> None:
    shown = {line.split()[1] for line in EXAMPLES}
    assert shown >= {"run", "send", "show", "press", "admit", "join", "decode", "build", "vncp"}


@pytest.mark.parametrize("line", COMMANDS + EXAMPLES)
def test_every_command_that_is_shown_has_verb_and_options_as_shown(line: str) -> None:
    verb, *rest = shlex.split(line.split("|")[0])[1:]
    assert isinstance(group, LazyGroup)
    context = click.Context(group)
    command = group.get_command(context, verb)
    assert command is not None
    if isinstance(command, click.Group):
        command = command.get_command(context, rest.pop(0))
        assert command is not None
    known = {name for option in command.params for name in option.opts}
    given = {word.split("=")[0] for word in rest if word.startswith("--")}
    assert given <= known
    required = {p.opts[0] for p in command.params if p.required and isinstance(p, click.Option)}
    assert required <= given


def test_the_library_is_used_as_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in COMMANDS:
        command = line.split(" > ")[0].split("|")[0]
        if command.startswith("chub pki new") or line.endswith("> message.hex"):
            done = CliRunner().invoke(group, shlex.split(command)[1:], catch_exceptions=False)
            assert done.exit_code == 0
            Path(line.rpartition("> ")[2]).write_text(done.stdout)
    [shown] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(shown, {})  # what a reader of the README would run
    assert "VALID" in capsys.readouterr().out
