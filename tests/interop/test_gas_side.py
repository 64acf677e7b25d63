"""The gas side on the air, as tshark sees it: pushes, snapshots, log entries, catching up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.home import living_home
from bench.rig import Rig
from device.timeline import Timeline, run
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.gbz import Gbz
from gbcs.protection import protect
from gsme.device import GasMeter
from han.clusters import PRICE
from han.commands.price import PublishCalorificValue, PublishConversionFactor
from hw.air_link import Link
from tests.dissected import Dissected
from tests.gsme.rig import component

EVENING = datetime(2026, 1, 5, 22, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
PREPAYMENT_MODE = 0x0C97


async def _night(timeline: Timeline, capture: Path) -> tuple[bytes, ...]:
    """A meter in prepayment mode over midnight: one lost push, one command; the keys."""
    rig = Rig.model_validate({"hub": {"radio": "ether:"}})
    async with living_home(rig, timeline, capture=capture) as home:
        meter = home.meter
        assert isinstance(meter, GasMeter)
        meter.model.account.payment_control = PREPAYMENT_MODE
        await timeline.sleep(2 * HALF_HOUR + timedelta(minutes=1))
        home.ether.set_link(meter.chassis.eui64, home.gpf.entity, Link(loss=1.0))
        await timeline.sleep(HALF_HOUR)
        home.ether.set_link(meter.chassis.eui64, home.gpf.entity, Link())
        components = (
            component(PRICE, PublishConversionFactor(1, 0, 123_456, 0x50), 0),
            component(PRICE, PublishCalorificValue(1, 0, 401, 1, 0x10), 1),
        )
        message = Message(
            cra=Cra.COMMAND,
            originator_counter=7,
            originator=home.rig.parties.supplier,
            recipient=meter.chassis.eui64,
            message_code=by_name("GCS23").message_code,
            payload=Gbz(components).to_bytes(),
        )
        home.hub.deliver(protect(message, home.keys).to_bytes())
        await timeline.sleep(5 * HALF_HOUR)
        assert len(home.gpf.state.logs.daily_prepayment) == 1
        return home.capture_keys


def test_tshark_names_every_frame_of_a_night_of_pushes_logs_and_catching_up(
    tmp_path: Path, tshark: str
) -> None:
    capture, timeline = tmp_path / "gas.pcap", Timeline(EVENING)
    keys = run(_night(timeline, capture), timeline)
    shown = Dissected(tshark, capture, [key.hex() for key in keys])

    def commands(cluster: str, direction: str) -> set[int]:
        field = f"zbee_zcl_se.{cluster}.cmd.{direction}.id"
        return {int(each, 0) for line in shown.fields(field, field) for each in line.split(",")}

    assert shown.defects() == []
    assert {0x01, 0x06, 0x07, 0x08, 0x0B} <= commands("met", "srv_tx")
    assert {0x01, 0x06, 0x08, 0x09} <= commands("met", "srv_rx")
    assert 0x01 in commands("pp", "srv_tx")
    assert {0x08, 0x0A} <= commands("pp", "srv_rx")
    assert 0x00 in commands("events", "srv_tx")
