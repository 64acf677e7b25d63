"""What a display shows, as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from bench.display_shown import Details, Line, Shown
    from peers.told import Consumption, Credit, Tariff

_WIDTH: Final = 120


def tables(rig_name: str, shown: list[Shown]) -> str:
    """What each display shows as text, for a terminal elsewhere."""
    text = StringIO()
    print_shown(rig_name, shown, Console(file=text, width=_WIDTH, emoji=False))
    return text.getvalue()


def print_shown(rig_name: str, shown: list[Shown], console: Console | None = None) -> None:
    """Print what each display shows: the registers first, then everything else by fuel."""
    console = console or Console(emoji=False)
    for one in shown:
        rig = escape(rig_name)
        console.print(f"[bold]{one.kind} {one.display}[/] of {rig}, {one.at:%a %H:%M:%S} UTC")
        console.print(_registers(one))
        for line in one.lines:
            _print_details(console, line)


def _registers(shown: Shown) -> Table:
    table = Table("fuel", "value", "taken at", "whose time", "reliable?", "stored", box=None)
    for line in shown.lines:
        taken = "no time" if line.taken_at is None else f"{line.taken_at:%a %H:%M:%S}"
        held = str(len(line.history))
        table.add_row(line.fuel, line.value, taken, line.source, line.reliability, held)
    return table


def _print_details(console: Console, line: Line) -> None:
    said = list(_sentences(line.details))
    if line.wiped_for is not None:
        date = f"{line.wiped_for:%Y-%m-%d %H:%M:%S}"
        said.append(f"history wiped for the new tenancy of {date}")
    for number, sentence in enumerate(said):
        fuel = "" if number else line.fuel
        # a supplier's message may hold what looks like markup, and what terminals obey
        shown = "".join(
            each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in sentence
        )
        console.print(f"  {fuel:<12}{shown}", highlight=False, soft_wrap=True, markup=False)


def _sentences(details: Details) -> Iterator[str]:
    if details.power_kw is not None:
        cost = details.cost_of_an_hour
        hourly = "" if cost is None else f", {cost:.4f} an hour"
        yield f"now {details.power_kw:.3f} kW ({details.ambient or 'no colour'}){hourly}"
    if used := _by_period(details.consumption):
        yield used
    if costs := _by_period(details.costs):
        yield f"cost {costs}"
    if details.tariff is not None:
        yield _tariff(details.tariff)
    if details.credit is not None:
        yield _credit(details.credit)
    if details.supply is not None:
        yield f"supply {details.supply}"
    if details.supplier or details.telephone:
        yield f"supplier {details.supplier} {details.telephone}".rstrip()
    if details.message is not None:
        yield f"message: {details.message}"
    if details.events:
        yield "events " + " ".join(f"{code:04X}" for code in details.events)


def _by_period(used: Consumption) -> str:
    amounts = (
        ("today", used.today),
        ("yesterday", used.yesterday),
        ("week", used.this_week),
        ("month", used.this_month),
    )
    return ", ".join(f"{name} {amount}" for name, amount in amounts if amount is not None)


def _tariff(tariff: Tariff) -> str:
    charge = tariff.standing_charge
    daily = "" if charge is None else f", {charge} {tariff.currency} a day"
    return f"rate {tariff.tier}: {tariff.price} {tariff.currency} a unit{daily}"


def _credit(credit: Credit) -> str:
    notes = (
        (credit.is_low, "low"),
        (credit.emergency_offered, "emergency credit on offer"),
        (credit.emergency_in_use, "emergency credit in use"),
    )
    said = "".join(f", {note}" for is_so, note in notes if is_so)
    return (
        f"{credit.payment.value}: balance {credit.balance}, emergency credit "
        f"{credit.emergency_credit}, debt {credit.debt}{said}"
    )
