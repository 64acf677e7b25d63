"""``chub plot``: a picture of what the electricity meter of a bench keeps."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.options import ABOVE_ZERO, examples, rig_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.plot.record import Record
    from bench.plot.source import Configuration
    from bench.rig import Rig

_DAYS: Final = 2.0


@click.command(
    epilog=examples(
        "chub plot voltage --days 2 --out v.png",
        "chub plot load --rig rig.toml --kept --out load.html",
    )
)
@click.argument("what", type=click.Choice(("voltage", "load")))
@click.option(
    "--rig",
    "rig_path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The bench's rig file; without it an example house.",
)
@click.option("--meter", type=click.Choice(("esme",)), default="esme", show_default=True)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE.png|html",
    help="PNG (needs matplotlib) or one HTML file.",
)
@click.option("--days", type=ABOVE_ZERO, help="How many days.")
@click.option("--kept", is_flag=True, help="Show what the rig's store has kept, run nothing.")
@click.option("--period", "period_s", type=click.IntRange(min=1), help="Measurement period, s.")
@click.option("--over", "over_v", type=click.IntRange(min=0), help="Upper limit, V.")
@click.option("--under", "under_v", type=click.IntRange(min=0), help="Lower limit, V.")
def plot(
    what: str,
    rig_path: Path | None,
    meter: str,
    out: Path,
    days: float | None,
    period_s: int | None,
    over_v: int | None,
    under_v: int | None,
    *,
    kept: bool,
) -> None:
    """Draw voltage periods against half-hour consumption, with limits and gaps.

    The rig's meter measures for some days of virtual time (2 unless --days says otherwise), or
    with --kept shows what it kept in the rig's store. The first argument gets more room.
    """
    from bench.plot.source import EXAMPLE, EXAMPLE_CONFIGURATION, Configuration

    del meter  # the only kind there is
    draw = _drawer(out)
    wanted = Configuration(period_s, over_v, under_v)
    if rig_path is None:
        rig = EXAMPLE
        wanted = EXAMPLE_CONFIGURATION if wanted == Configuration() and not kept else wanted
    else:
        rig = rig_of(rig_path)
    record = _kept(rig, days, wanted) if kept else _measured(rig, days, wanted)
    try:
        draw(record, what, out)
    except OSError as error:
        raise click.ClickException(f"{out}: {error.strerror}") from error
    click.echo(
        f"{out}: {record.title}, {record.start:%Y-%m-%d %H:%M} to {record.end:%Y-%m-%d %H:%M}"
    )


def _drawer(out: Path) -> Callable[[Record, str, Path], None]:
    if not out.parent.is_dir():
        raise click.UsageError(f"--out {out}: there is no directory {out.parent}")
    match out.suffix.lower():
        case ".png":
            from bench.plot.png import draw

            import_module("matplotlib")  # say that it is absent before time is spent
        case ".html" | ".htm":
            from bench.plot.html import draw
        case other:
            raise click.UsageError(f"--out ends in .png or .html, not in {other or 'nothing'}")
    return draw


def _measured(rig: Rig, days: float | None, wanted: Configuration) -> Record:
    from bench.plot.source import measured

    return measured(rig, _DAYS if days is None else days, wanted)


def _kept(rig: Rig, days: float | None, wanted: Configuration) -> Record:
    from bench.plot.source import Configuration, kept

    if wanted != Configuration():
        raise click.UsageError(
            "--kept shows what was measured: --period, --over, --under do not go with it"
        )
    if rig.store is None or not rig.store.exists():
        raise click.UsageError(
            f"{rig.name} has kept nothing: its store is {rig.store or 'in memory'}"
        )
    return kept(rig, rig.store, days)
