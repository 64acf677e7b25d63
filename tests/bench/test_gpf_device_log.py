"""The GPF's device log: joins by method B, backup with the broker, restoration entry by entry."""

from __future__ import annotations

from pathlib import Path

from bench.home import Home, open_home
from bench.remote_party import RemoteParty
from bench.replay import replay_directory
from bench.rig import Rig
from device.timeline import Timeline
from gbcs.asn1.devices import JoinDetails, LogBackupAlert, LogRestoreResponse
from gbcs.asn1.names import JoinCode, Kind, UnjoinCode
from gbcs.asn1.payload import decode
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.plain import Plain

DISPLAY, PPMID, METER = 0x0102030405060708, 0x00DB123456789099, 0x00DB123456789098
RIG = Rig.model_validate({"hub": {"radio": "ether:"}, "gas_meter": False})


class Parties:
    """The supplier and the broker of a home; they ask its GPF."""

    def __init__(self, home: Home) -> None:
        parties = home.rig.parties
        self.home = home
        self.supplier = RemoteParty(parties.supplier, home.keys)
        self.broker = RemoteParty(parties.access_control_broker, home.keys)
        self.backups: list[dict[int, int]] = []
        self._counter = 0
        home.upward.append(self._take)

    def _take(self, octets: bytes) -> None:
        message = Message.parse(octets)
        if message.cra is Cra.ALERT and message.message_code == 0x00B2:
            assert self.broker.open(octets).verification.is_authentic
            alert = decode(message.message_code, message.cra, message.payload)
            assert isinstance(alert, LogBackupAlert)
            assert alert.alert_code == 0x8071
            self.backups.append({one.device: int(one.kind) for one in alert.entries})

    async def ask(self, party: RemoteParty, use_case: str, **arguments: Plain) -> object:
        self._counter += 1
        gpf = self.home.gpf.entity
        command = party.command(by_name(use_case), gpf, self._counter, arguments)
        message = Message.parse(await self.home.ask(command))
        return decode(message.message_code, message.cra, message.payload)

    async def join(self, device: int, kind: str) -> object:
        return await self.ask(
            self.supplier,
            "CS03B",
            method_and_role="method-b",
            peer=f"{device:016X}",
            peer_kind=kind,
        )

    async def restore(self, *entries: tuple[int, str]) -> list[JoinCode]:
        rows: Plain = [{"device": f"{device:016X}", "kind": kind} for device, kind in entries]
        answer = await self.ask(self.broker, "GCS59", entries=rows)
        assert isinstance(answer, LogRestoreResponse)
        assert [one.entry.device for one in answer.outcomes] == [device for device, _ in entries]
        return [JoinCode(one.result) for one in answer.outcomes]


async def test_each_join_and_unjoin_is_backed_up_with_the_broker(timeline: Timeline) -> None:
    async with open_home(RIG, timeline) as home:
        parties = Parties(home)
        assert await parties.join(DISPLAY, "type2") == JoinCode.SUCCESS
        assert await parties.join(METER, "gsme") == JoinCode.SUCCESS
        assert await parties.join(PPMID, "esme") == JoinCode.INVALID_METHOD_AND_ROLE
        details = await parties.ask(parties.supplier, "CS07")
        assert isinstance(details, JoinDetails)
        assert details.entries is not None
        assert [one.device for one in details.entries] == [DISPLAY, METER]
        unjoined = await parties.ask(parties.supplier, "CS04B", value=f"{DISPLAY:016X}")
        assert unjoined == UnjoinCode.SUCCESS
    assert parties.backups == [
        {DISPLAY: Kind.TYPE2},
        {DISPLAY: Kind.TYPE2, METER: Kind.GSME},
        {METER: Kind.GSME},
    ]


async def test_a_backup_is_restored_entry_by_entry_and_told_once(timeline: Timeline) -> None:
    async with open_home(RIG, timeline) as home:
        parties = Parties(home)
        await parties.join(PPMID, "ppmid")
        outcomes = await parties.restore(
            (DISPLAY, "type2"), (PPMID, "type2"), (PPMID, "ppmid"), (METER, "hcalcs")
        )
        again = await parties.restore((DISPLAY, "type2"))
    assert outcomes == [
        JoinCode.SUCCESS,
        JoinCode.INCOMPATIBLE_WITH_EXISTING_ENTRY,
        JoinCode.SUCCESS,
        JoinCode.INVALID_METHOD_AND_ROLE,
    ]
    assert again == [JoinCode.SUCCESS]
    assert parties.backups[1:] == [{PPMID: Kind.PPMID, DISPLAY: Kind.TYPE2}]


async def test_what_finds_no_place_is_named_and_the_rest_is_restored(timeline: Timeline) -> None:
    async with open_home(RIG, timeline) as home:
        parties = Parties(home)
        outcomes = await parties.restore(*((0x1000 + n, "type2") for n in range(17)))
    assert outcomes == [JoinCode.SUCCESS] * 16 + [JoinCode.DEVICE_LOG_FULL]
    assert [len(backup) for backup in parties.backups] == [16]


def test_every_recorded_restoration_is_answered_as_recorded(rtds_dir: Path) -> None:
    outcome = replay_directory(rtds_dir, only="GCS59")
    assert outcome.mismatched == []
    assert outcome.matched == outcome.pairs
