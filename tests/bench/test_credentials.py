"""A change of supplier in a living home: every device gets the new certificates through its hub."""

from __future__ import annotations

from datetime import timedelta

from bench.home import Home, living_home
from bench.keys import authorities, derived_holder
from bench.rig import Rig
from device.timeline import Timeline
from gbcs.asn1.credentials import (
    AnchorReplacement,
    CellId,
    CredentialsUpdate,
    CredentialsUpdateResponse,
    KeyUseQuery,
    PartyFloor,
    ReplacementControl,
    SpecialFloor,
)
from gbcs.asn1.names import CellUse, KeyUse, ReplacementMode, TampStatus
from gbcs.asn1.payload import decode, encode
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role
from gbcs.protection import Verdict, protect, verify
from tests.virtual_time import START

ESME, GSME = 0x02434855420000A0, 0x02434855420000A1
NEXT = 0x0243485542003000
"""The supplier that takes over."""
SEED = "chub"
RIG = Rig.model_validate(
    {
        "time": "jump",
        "start": START,
        "hub": {"radio": "ether:"},
        "electricity_meter": {"eui64": ESME},
        "settings": {"chf": {"suites": 1}, "join": {"suites": 1}},
    }
)
CELLS = {
    Usage.DIGITAL_SIGNATURE: CellId(Role.SUPPLIER, KeyUse.DIGITAL_SIGNATURE),
    Usage.KEY_AGREEMENT: CellId(Role.SUPPLIER, KeyUse.KEY_AGREEMENT),
    Usage.PREPAYMENT_KEY_AGREEMENT: CellId(
        Role.SUPPLIER, KeyUse.KEY_AGREEMENT, CellUse.PREPAYMENT_TOP_UP
    ),
}


def message(name: str, value: object, device: int, sender: int, counter: int) -> Message:
    code = by_name(name).message_code
    return Message(
        cra=Cra.COMMAND,
        originator_counter=counter,
        originator=sender,
        recipient=device,
        message_code=code,
        payload=encode(code, Cra.COMMAND, value),
    )


def handover(counter: int) -> CredentialsUpdate:
    holders = {usage: derived_holder(SEED, NEXT, usage, Role.SUPPLIER) for usage in CELLS}
    floors = (PartyFloor(Role.SUPPLIER, 0, (SpecialFloor(0, 0),)),)
    return CredentialsUpdate(
        ReplacementControl(
            ReplacementMode.SUPPLIER_BY_TRANS_COS, counter, other_party_floors=floors
        ),
        tuple(AnchorReplacement(holders[u].certificate_der(), CELLS[u]) for u in CELLS),
        (authorities(SEED)[1].certificate_der(),),
    )


async def ask(home: Home, asked: Message, keys: KeyStore) -> object:
    octets = await home.ask(protect(asked, keys), timedelta(hours=2))
    answer = Message.parse(octets)
    assert Verdict.INVALID not in (verify(answer, keys).mac, verify(answer, keys).signature)
    return decode(answer.message_code, Cra.RESPONSE, answer.payload)


async def test_a_change_of_supplier_reaches_every_device_of_a_home(timeline: Timeline) -> None:
    async with living_home(RIG, timeline) as home:
        await timeline.sleep(timedelta(minutes=5))
        keys = KeyStore(base=home.keys)
        for usage in CELLS:
            holder = derived_holder(SEED, NEXT, usage, Role.SUPPLIER)
            keys.add_private(NEXT, usage, holder.key, Role.SUPPLIER, holder.certificate_der())
        keys.access_control_broker = RIG.parties.access_control_broker
        cos, old = RIG.parties.transitional_cos, RIG.parties.supplier
        for device in (ESME, GSME, RIG.hub.gpf):
            name = "CS02b-supplierByTransCoS"
            answer = await ask(home, message(name, handover(10), device, cos, 10), keys)
            assert isinstance(answer, CredentialsUpdateResponse)
            assert answer.outcome is not None
            assert {each.status for each in answer.outcome.cells} == {TampStatus.SUCCESS}
            assert {each.old_entity for each in answer.outcome.cells} == {old}
            read = message("CS02e", KeyUseQuery(), device, NEXT, 1)
            assert isinstance(await ask(home, read, keys), bytes)
            home.hub.deliver(
                protect(message("CS02e", KeyUseQuery(), device, old, 99), keys).to_bytes()
            )
        await timeline.sleep(timedelta(hours=1))
        for chassis in (home.gpf.chassis, home.meter.chassis if home.meter else home.gpf.chassis):
            assert chassis.credentials.role(old) is None
            assert chassis.credentials.role(NEXT) is Role.SUPPLIER
