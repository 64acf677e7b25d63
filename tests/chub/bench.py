"""A home whose hub lets devices in by command alone, and the broker that commands it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bench.home import Home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.cosem.shape import Plain as CosemPlain
from device.cosem.shape import plain
from gbcs.alerts import DlmsAlert
from gbcs.catalogue import by_name
from gbcs.dlms.apdu import AccessResponse, Result
from gbcs.envelope import Cra, Message
from gbcs.plain import Plain

CODE = bytes.fromhex("83FED3407A939723A5C639B26916D505")
ESME, GSME = 0x02434855420000A0, 0x02434855420000A1
KINDS = {"ESME": 0, "GSME": 1, "HCALCS": 13, "IHD": 128, "CAD": 130, "PPMID": 132, "GPF": 254}
SOON = timedelta(seconds=30)


def rig(**sections: object) -> Rig:
    hub = {"radio": "ether:", "admit": "commands"}
    return Rig.model_validate({"hub": hub, "gas_meter": False} | sections)


class Broker:
    """Commands the hub, and collects the alerts that reach it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.party = RemoteParty(home.rig.parties.access_control_broker, home.keys)
        self.alerts: list[Message] = []
        self._counter = 0
        home.upward.append(self._take)

    def _take(self, octets: bytes) -> None:
        message = Message.parse(octets)
        if message.cra is Cra.ALERT and message.recipient == self.party.entity:
            assert self.party.open(octets).verification.is_authentic
            self.alerts.append(message)

    async def ask(
        self, use_case: str, arguments: Mapping[str, Plain] | None = None
    ) -> tuple[list[int], list[CosemPlain]]:
        """Results and data of the hub's answer."""
        self._counter += 1
        hub = self.home.hub.chassis.eui64
        command = self.party.command(by_name(use_case), hub, self._counter, arguments)
        octets = await self.home.ask(command, SOON)
        assert self.party.open(octets).verification.is_authentic
        answer = AccessResponse.parse(Message.parse(octets).payload)
        return (
            [int(one.result) for one in answer.results],
            [plain(one.data) for one in answer.results],
        )

    async def admit(
        self, eui64: int, kind: str = "ESME", code: bytes = CODE, timeout_s: int = 90
    ) -> list[int]:
        """CCS01; its results."""
        arguments: dict[str, Plain] = {
            "DeviceLogCHF.register_device": [
                f"0x{eui64:016X}",
                1,
                f"0x{code.hex()}",
                KINDS[kind],
            ],
            "DeviceLogCHF.joiningTimePeriod": timeout_s,
        }
        return (await self.ask("CCS01", arguments))[0]

    async def remove(self, eui64: int) -> list[int]:
        """CCS02; its results."""
        return (await self.ask("CCS02", {"DeviceLogCHF.removeEntry": f"0x{eui64:016X}"}))[0]

    async def device_log(self) -> dict[int, bytes]:
        """Devices and the hashes of their keys, as CCS07 reads them."""
        return rows((await self.ask("CCS07"))[1][0])

    async def historic_log(self) -> dict[int, bytes]:
        """Likewise for the devices that were removed."""
        return rows((await self.ask("CCS07"))[1][1])

    def backups(self) -> list[dict[int, bytes]]:
        """What each CS14 said the device log holds."""
        found = [DlmsAlert.parse(one.message_code, one.payload) for one in self.alerts]
        return [rows(plain(one.members[0])) for one in found if one.alert_code == 0x8F12]


def rows(backup: CosemPlain) -> dict[int, bytes]:
    """Devices and key hashes of a backup."""
    assert isinstance(backup, tuple)
    devices = backup[2]
    assert isinstance(devices, tuple)
    found: dict[int, bytes] = {}
    for row in devices:
        assert isinstance(row, tuple)
        eui64, key_hash = row
        assert isinstance(eui64, bytes)
        assert isinstance(key_hash, bytes)
        found[int.from_bytes(eui64)] = key_hash
    return found


ALL_DONE = [int(Result.SUCCESS)] * 3
NO_PLACE = [int(Result.OTHER_REASON)] * 3
