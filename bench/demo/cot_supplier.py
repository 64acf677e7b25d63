"""The supplier of ``chub demo cot``: sets the date of a change of tenancy, reads what is logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bench.home import Home
from bench.remote_party import Opened, RemoteParty
from gbcs.catalogue import by_name
from gbcs.dlms.apdu import AccessResponse
from gbcs.dlms.data import CompactArray, Data
from gbcs.dlms.data import decode as decode_data
from gbcs.dlms.protected import ProtectedResponse
from gbcs.errors import RemoteError
from gbcs.plain import Plain, moment_to_text
from gbcs.protection import Verdict, attribute_cipher
from gbcs.stamp import Stamp
from gbcs.zcl.types import zcl_seconds
from han.commands.metering import GetSampledDataResponse
from han.zcl.payload import decode

WITHIN: Final = timedelta(minutes=10)
_NO_SAMPLE: Final = 0xFFFFFF
_ALL_SAMPLES: Final = 19_056
_LOG: Final = "ProfileDataLogActiveEnergyImportedInPeriod.get_protected_attributes"


@dataclass(slots=True)
class Supplier:
    """One supplier with the GPF and the electricity meter of a home."""

    home: Home
    electricity_meter: int
    counter: int = 0

    async def change(self, at: datetime) -> None:
        """Set a change of tenancy on both fuels (GCS09, ECS12)."""
        gas: dict[str, Plain] = {
            "PublishChangeofTenancy.IssuerEventID": zcl_seconds(self.home.timeline.now()),
            "PublishChangeofTenancy.ImplementationDateTime": zcl_seconds(at),
        }
        await self._ask("GCS09", self.home.gpf.entity, gas)
        octets = "0x" + Stamp.of(at).to_bytes().hex()
        await self._ask("ECS12", self.electricity_meter, {"restrictDataDateTime.value": octets})

    async def gas_half_hours(self) -> int:
        """Half hours in the GPF's profile data log (GCS17)."""
        asked: dict[str, Plain] = {
            "GetSampledData.EarliestSampleTime": 0,
            "GetSampledData.NumberOfSamples": _ALL_SAMPLES,
        }
        answer = await self._ask("GCS17", self.home.gpf.entity, asked)
        frame = answer.payload.components[0].frame
        if not frame.is_cluster_command:
            return 0
        samples = decode(GetSampledDataResponse, frame.payload).samples
        return sum(sample != _NO_SAMPLE for sample in samples)

    async def electricity_half_hours(self) -> int:
        """Half hours in the electricity meter's profile data log of import (ECS22b)."""
        timeline = self.home.timeline
        limits: dict[str, Plain] = {
            f"{_LOG}.from": moment_to_text(timeline.start - timedelta(days=1)),
            f"{_LOG}.to": moment_to_text(timeline.now()),
        }
        message = (await self._ask("ECS22b", self.electricity_meter, limits)).message
        result = AccessResponse.parse(message.payload).results[0]
        sealed = ProtectedResponse.from_data(result.data).sealed
        opened = decode_data(attribute_cipher(message, self.home.keys).open(sealed))
        match opened.value:
            case (Data(value=CompactArray(entries=entries)), *_):
                return len(entries)
        return 0

    async def _ask(self, use_case: str, to: int, values: Mapping[str, Plain]) -> Opened:
        self.counter += 1
        party = RemoteParty(self.home.rig.parties.supplier, self.home.keys)
        command = party.command(by_name(use_case), to, self.counter, values)
        answer = party.open(await self.home.ask(command, WITHIN))
        if answer.verification.mac is not Verdict.VALID:
            raise RemoteError(f"the MAC of the answer to {use_case} does not verify")
        return answer
