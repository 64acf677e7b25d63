"""What displays show of gas, over the air: by day, week and month, its price; as tshark sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.home import Home, living_home
from bench.rig import Rig
from device.timeline import Timeline, run
from gbcs.catalogue import by_name
from gbcs.utrn import ValueClass, make
from gpf.han_side import HubEndpoints
from gsme.device import GasMeter
from han.commands.calendar import (
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishWeekProfile,
    ScheduleEntry,
    Season,
)
from han.commands.prepayment import TopUpResult
from han.commands.price import (
    PublishCalorificValue,
    PublishConversionFactor,
    PublishPriceMatrix,
    PublishTariffInformation,
    TierPrice,
)
from peers.ppmid import Ppmid
from peers.reading import Fuel
from peers.told import Consumption, Told
from tests.dissected import Dissected

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SUNDAY_EVENING = MONDAY - timedelta(hours=2)
ESI = HubEndpoints().esi
IHD, PPMID = 0x02434855420000D1, 0x02434855420000D2
EVERY_DAY = 0xFFFFFFFF
TARIFF = (
    PublishCalendar(0, 1, 1, 0, 0, 0, b"", 1, 1, 1),
    PublishDayProfile(0, 1, 1, 1, 1, 0, 1, 0, (ScheduleEntry(0, 1),)),
    PublishWeekProfile(0, 1, 1, 1, *(1,) * 7),
    PublishSeasons(0, 1, 1, 0, 1, (Season(EVERY_DAY, 1),)),
    PublishTariffInformation(0, 1, 1, 0, 0, b"", 1, 0, 0, 826, 0x50, 0, 0xFF, 1, 1000),
    PublishPriceMatrix(0, 1, 0, 1, 0, 1, 1, (TierPrice(1, 10_000),)),
    PublishConversionFactor(1, 0, 1, 0),
    PublishCalorificValue(1, 0, 36, 1, 0),
)
"""Ten pence a kWh, ten kWh a m3."""


def rig() -> Rig:
    polls = {"gas_poll_s": 1200, "details_poll_s": 1200, "cot_poll_s": 7200}
    return Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "start": SUNDAY_EVENING,
            "gas_meter": {"flow_dm3_per_h": 240},
            "displays": [{"eui64": IHD}, {"eui64": PPMID, "kind": "PPMID"}],
            "settings": {"display": polls},
        }
    )


async def _night(timeline: Timeline, capture: Path) -> tuple[bytes, ...]:
    """What displays show an hour after midnight, then a top-up; the keys."""
    async with living_home(rig(), timeline, capture=capture) as home:
        assert isinstance(home.meter, GasMeter)
        for message in TARIFF:
            assert home.meter.model.tariff.take(message)
            assert home.gpf.state.tariff.take(message)
        await timeline.sleep_until(MONDAY + timedelta(minutes=58))
        for display in home.displays:
            _see(display.told(Fuel.GAS))
        await _top_up(home, home.meter)
        return home.capture_keys


def _see(told: Told) -> None:
    # two hours of Sunday and half an hour of Monday, which begins a week but no month
    assert told.consumption == Consumption("1.200 kWh", "4.800 kWh", "1.200 kWh", "6.000 kWh")
    assert told.costs == Consumption("0.12", "0.48", "0.12", "0.60")
    assert told.tariff is not None
    assert (told.tariff.price, told.tariff.currency) == (Decimal("0.1"), "GBP")


async def _top_up(home: Home, meter: GasMeter) -> None:
    ppmid = home.displays[1]
    assert isinstance(ppmid, Ppmid)
    gsme = meter.chassis.eui64
    supplier = home.rig.parties.supplier
    token = make(supplier, gsme, 7, 1000, ValueClass.PENCE, home.keys)
    answer = await ppmid.top_up(Fuel.GAS, token)
    assert answer.result == TopUpResult.ACCEPTED


def test_displays_show_gas_by_day_week_and_month_and_tshark_names_what_they_read(
    tmp_path: Path, tshark: str
) -> None:
    capture, timeline = tmp_path / "gas.pcap", Timeline(SUNDAY_EVENING)
    keys = run(_night(timeline, capture), timeline)
    shown = Dissected(tshark, capture, [key.hex() for key in keys])
    assert shown.defects() == []
    from_esi = f"zbee_aps.src == {ESI}"
    price = "zbee_zcl_se.price.cmd.srv_tx.id == 0 && zbee_zcl_se.price.price == 10000"
    assert len(shown.frames(f"{price} && {from_esi}")) >= len((IHD, PPMID))
    pcs01 = f"gbcs_message.grouping_header.message_code == {by_name('PCS01').message_code}"
    originator = "gbcs_message.grouping_header.business_originator_id"
    first, *_ = shown.fields(f"{pcs01} && zbee_nwk.dst == 0", originator)
    assert int(first.replace(":", ""), 16) == PPMID
