"""``chub demo``: a whole home in virtual time, told as a table."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.options import print_json
from bench.demo import DEMOS, DemoOptions, run_demo

_STORIES = "\n".join(f"  {name:8} {story}" for name, story in DEMOS.items())


@click.command(epilog=f"\b\nNAME is one of\n{_STORIES}")
@click.argument("name", type=click.Choice(list(DEMOS)), default="stamps")
@click.option(
    "--radio", default="vncp:", show_default=True, help="The hub's radio: vncp: or ether:"
)
@click.option(
    "--capture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("demo.pcap"),
    show_default=True,
    help="Where the air is recorded.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result for machines.")
def demo(name: str, radio: str, capture: Path, *, as_json: bool) -> None:
    """Run the demonstration NAME (default: stamps) in virtual time."""

    def tell(line: str) -> None:
        if not as_json:
            click.echo(f"  {line}", err=True)

    result = run_demo(name, DemoOptions(radio, capture, tell))
    if as_json:
        print_json(result.as_json())
    else:
        result.print()
    sys.exit(ExitCode.OK if result.sound else ExitCode.CHECK_FAILED)
