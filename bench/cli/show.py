"""``chub show``: what a device of a bench shows to people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from bench.cli.options import RIG, examples, print_json, rig_of

_AFTER_S: Final = 7260.0
_ANSWER_S: Final = 10.0


@click.group()
def show() -> None:
    """Show what a device shows to people."""


@show.command(
    epilog=examples(
        "chub show ihd rig.toml --after 86400",
        "chub show ihd --control 127.0.0.1:23457",
    )
)
@RIG
@click.option(
    "--after",
    "after_s",
    type=click.FloatRange(min=0),
    default=_AFTER_S,
    show_default=True,
    help="Seconds of virtual time that the bench runs first.",
)
@click.option(
    "--control",
    metavar="HOST:PORT",
    help="Look at the displays of a running bench instead (`chub run --control`).",
)
@click.option("--json", "as_json", is_flag=True, help="Print it for machines.")
def ihd(rig: Path | None, after_s: float, control: str | None, *, as_json: bool) -> None:
    """Boot RIG.toml in virtual time and show what its displays show.

    Without a rig: the built-in home with an electricity meter and an IHD.
    """
    from bench.display_shown import home_with_display, look

    if control is not None:
        after = click.get_current_context().get_parameter_source("after_s")
        if rig is not None or after is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                "--control looks at a bench that runs: no RIG.toml and no --after with it"
            )
        _look_at_running(control, as_json=as_json)
        return

    loaded = home_with_display() if rig is None else rig_of(rig)
    if not loaded.displays:
        raise click.UsageError(f"{loaded.name} has no [[displays]]")
    shown = look(loaded, after_s)
    if as_json:
        print_json([one.as_json() for one in shown])
    else:
        from bench.display_table import print_shown

        print_shown(loaded.name, shown)


def _look_at_running(control: str, *, as_json: bool) -> None:
    import asyncio

    from bench.address import WanError, parse_address
    from bench.control_line import ask_over_tcp

    asked = {"do": "show"} if as_json else {"do": "show", "as": "text"}
    said = asyncio.run(ask_over_tcp(*parse_address(control), asked, _ANSWER_S))
    if "error" in said or not {"displays", "text"} & said.keys():
        why = said.get("error", "what answers is no bench")
        raise WanError(f"control port {control}: {why}")
    if as_json:
        print_json(said["displays"])
    else:
        click.echo(said["text"], nl=False)
