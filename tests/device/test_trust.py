"""Credentials: what cells hold and how they are replaced (CS02a, CS02b, CS02g)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from device.faults import Part
from device.refusal import Refusal
from device.settings import CommonSettings
from gbcs.asn1.credentials import (
    AnchorReplacement,
    CellId,
    CredentialsUpdateAlert,
    CredentialsUpdateResponse,
    KeyUseQuery,
    PartyFloor,
    PartyReport,
    SpecialFloor,
)
from gbcs.asn1.devices import JoinDetails
from gbcs.asn1.names import KeyUse
from gbcs.asn1.names import ReplacementMode as Mode
from gbcs.asn1.names import TampStatus as Status
from gbcs.asn1.payload import decode
from gbcs.catalogue import Protection
from gbcs.envelope import Cra, Message
from gbcs.keys import Usage
from gbcs.party import DeviceType, Role
from gbcs.protection import Verdict, verify
from tests.device.cells import (
    BROKER,
    NAMES,
    NEVER,
    SUPPLIER,
    SUPPLIER_KEYS,
    USAGE,
    cell,
    held,
    into,
    key_id,
    new,
    query,
    spoilt,
    statuses,
    supplier_pairs,
    update,
)
from tests.device.shared import (
    NEXT_SUPPLIER,
    NOW,
    PARTIES,
    SharedBench,
    maker,
    next_keys,
    pki,
)


def test_a_device_reports_its_cells_role_by_role_in_the_order_asked() -> None:
    bench = SharedBench()
    mac = bench.message("CS02a", query(BROKER, SUPPLIER, BROKER), BROKER, protection=Protection.MAC)
    report = bench.send(mac)
    assert isinstance(report, tuple)
    assert [each.role for each in report] == [SUPPLIER, BROKER]
    uses = [(one.key_use, one.cell_use) for one in report[0].cells]
    assert uses == [(0x80, 0), (0x08, 0), (0x08, 1)]
    assert [one.key_use for one in report[1].cells] == [0x08]
    assert report[0].cells[0].key_id == key_id(pki().holders[PARTIES[SUPPLIER], USAGE])
    assert report[0].counter == 0


def test_a_report_tells_the_highest_counter_and_is_signed_when_it_was_asked_so() -> None:
    bench = SharedBench()
    bench.ask("CS02e", KeyUseQuery(KeyUse.DIGITAL_SIGNATURE))
    asked = query(Role.TRANSITIONAL_COS, SUPPLIER, Role.WAN_PROVIDER)
    signed = bench.message("CS02a", asked, Role.TRANSITIONAL_COS, protection=Protection.SIGNATURE)
    report = bench.send(signed)
    assert isinstance(report, tuple)
    assert report[0].counter == 1001
    assert report[1] == PartyReport(Role.WAN_PROVIDER, Status.TRUST_ANCHOR_NOT_FOUND)


def test_a_report_is_for_whoever_holds_the_cell_named() -> None:
    bench = SharedBench()
    octets = bench.message("CS02a", query(BROKER, SUPPLIER), protection=Protection.SIGNATURE)
    assert bench.send(octets) is Refusal.NOT_AUTHORISED


def test_cells_that_cannot_be_read_are_reported_as_such() -> None:
    bench = SharedBench()
    bench.chassis.broken.add(Part.ANCHOR_MEMORY)
    octets = bench.message("CS02f", query(BROKER, SUPPLIER), BROKER, protection=Protection.MAC)
    assert bench.send(octets) == (PartyReport(SUPPLIER, Status.OTHER),)


@pytest.mark.parametrize(
    ("kind", "role", "has"),
    [
        (DeviceType.GSME, Role.NETWORK_OPERATOR, False),
        (DeviceType.GPF, Role.NETWORK_OPERATOR, True),
        (DeviceType.CHF, Role.SUPPLIER, False),
        (DeviceType.CHF, Role.WAN_PROVIDER, True),
    ],
)
def test_each_type_of_device_trusts_the_parties_it_works_with(
    kind: DeviceType, role: Role, has: bool
) -> None:
    bench = SharedBench(kind)
    octets = bench.message("CS02a", query(BROKER, role), BROKER, protection=Protection.MAC)
    report = bench.send(octets)
    assert isinstance(report, tuple)
    assert (report[0].status == Status.SUCCESS) is has


def test_a_supplier_replaces_its_own_certificates_and_signs_with_the_new_key_from_then_on() -> None:
    bench = SharedBench()
    pairs = supplier_pairs()
    special = (SpecialFloor(0, 0),)
    asked = update(
        bench,
        Mode.SUPPLIER_BY_SUPPLIER,
        into(SUPPLIER, *pairs),
        new_party_floor=0,
        new_party_special=special,
    )
    answer = bench.ask(NAMES[Mode.SUPPLIER_BY_SUPPLIER], asked)
    assert statuses(answer) == [Status.SUCCESS] * 3
    assert isinstance(answer, CredentialsUpdateResponse)
    assert answer.outcome is not None
    assert answer.outcome.floors == (PartyFloor(SUPPLIER, 0, special),)
    assert [each.new_key_id for each in answer.outcome.cells] == [key_id(h) for _, h in pairs]
    assert [each.code for each in bench.chassis.security_log.entries()] == [0x8F70]
    old = bench.message("CS02e", KeyUseQuery())
    assert bench.send(old) is Refusal.SIGNATURE_INVALID
    keys = next_keys(bench.keys, *(holder for _, holder in pairs))
    again = SharedBench(store=bench.store)
    octets = again.message("CS02e", KeyUseQuery(), counter=1, keys=keys)  # the counter is anew
    assert isinstance(again.send(octets), bytes)


def test_a_change_of_supplier_lets_the_new_one_in_and_the_old_one_out() -> None:
    bench = SharedBench()
    pairs = supplier_pairs(NEXT_SUPPLIER)
    floors = (PartyFloor(SUPPLIER, 500, (SpecialFloor(0, 0),)),)
    asked = update(
        bench,
        Mode.SUPPLIER_BY_TRANS_COS,
        into(SUPPLIER, *pairs),
        other_party_floors=floors,
    )
    name = NAMES[Mode.SUPPLIER_BY_TRANS_COS]
    assert statuses(bench.ask(name, asked, Role.TRANSITIONAL_COS)) == [0, 0, 0]
    assert bench.ask("CS07", None) is Refusal.UNKNOWN_ORIGINATOR
    keys = next_keys(bench.keys, *(holder for _, holder in pairs))

    def read(counter: int) -> object:
        asked = KeyUseQuery()
        return bench.send(bench.message("CS02e", asked, NEXT_SUPPLIER, counter, keys))

    assert read(500) is Refusal.REPLAYED
    assert isinstance(read(501), bytes)
    response = bench.pipeline.receive(bench.message("CS07", None, NEXT_SUPPLIER, 502, keys))
    octets = getattr(response, "octets", None)
    assert octets is not None
    assert verify(Message.parse(octets), keys).mac is Verdict.VALID


def test_each_cell_is_replaced_or_left_alone_on_its_own() -> None:
    bench = SharedBench()
    foreign_root = maker().authority("foreign-root", "FOREIGN", None)
    foreign = maker().organisation(PARTIES[SUPPLIER], Usage.KEY_AGREEMENT, SUPPLIER, foreign_root)
    pairs = supplier_pairs()
    pairs[1] = (Usage.KEY_AGREEMENT, foreign)
    before = held(bench, SUPPLIER, Usage.KEY_AGREEMENT)
    asked = update(bench, Mode.SUPPLIER_BY_SUPPLIER, into(SUPPLIER, *pairs))
    answer = bench.ask(NAMES[Mode.SUPPLIER_BY_SUPPLIER], asked)
    assert statuses(answer) == [Status.SUCCESS, Status.NO_TRUST_ANCHOR, Status.SUCCESS]
    assert isinstance(answer, CredentialsUpdateResponse)
    assert answer.outcome is not None
    failed = answer.outcome.cells[1]
    assert (failed.old_key_id, failed.new_key_id) == (before, before)
    assert held(bench, SUPPLIER, Usage.KEY_AGREEMENT) == before


def test_a_certificate_has_to_fit_its_cell() -> None:
    bench = SharedBench()
    signing = new(SUPPLIER, Usage.DIGITAL_SIGNATURE)
    device = pki().holders[bench.eui64, Usage.KEY_AGREEMENT]
    swapped = into(SUPPLIER, (Usage.KEY_AGREEMENT, signing), (Usage.KEY_AGREEMENT, device))
    garbage = AnchorReplacement(bytes.fromhex("3000"), cell(SUPPLIER))
    asked = update(bench, Mode.SUPPLIER_BY_SUPPLIER, swapped)
    assert statuses(bench.ask(NAMES[Mode.SUPPLIER_BY_SUPPLIER], asked)) == [5, 5]
    asked = update(bench, Mode.SUPPLIER_BY_SUPPLIER, (replace(garbage, certificate=spoilt()),))
    assert statuses(bench.ask(NAMES[Mode.SUPPLIER_BY_SUPPLIER], asked)) == [Status.BAD_CERTIFICATE]


def test_validity_dates_count_unless_the_command_says_otherwise() -> None:
    bench = SharedBench()
    bench.true_time.moment = NOW + timedelta(days=4000)
    name, pairs = NAMES[Mode.SUPPLIER_BY_SUPPLIER], supplier_pairs()
    late = update(bench, Mode.SUPPLIER_BY_SUPPLIER, into(SUPPLIER, *pairs))
    assert statuses(bench.ask(name, late)) == [Status.BAD_CERTIFICATE] * 3
    asked = update(bench, Mode.SUPPLIER_BY_SUPPLIER, into(SUPPLIER, *pairs), time_checks=1)
    assert statuses(bench.ask(name, asked)) == [Status.SUCCESS] * 3
    strict = SharedBench(common=CommonSettings(check_not_before=True))
    strict.true_time.moment = NOW - timedelta(days=400)
    early = update(strict, Mode.SUPPLIER_BY_SUPPLIER, into(SUPPLIER, *pairs))
    assert statuses(strict.ask(name, early)) == [Status.BAD_CERTIFICATE] * 3


def test_recovery_replaces_everything_and_a_new_root_counts_for_what_follows_it() -> None:
    bench = SharedBench()
    root = maker().authority("next-root", "NEXT", pki().root)
    issuing = maker().authority("next-issuing", "NEXT ISSUING", root)
    supplier = maker().organisation(PARTIES[SUPPLIER], USAGE, SUPPLIER, issuing)
    asked = update(
        bench,
        Mode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY,
        (
            AnchorReplacement(root.certificate_der(), CellId(Role.ROOT, KeyUse.KEY_CERT_SIGN)),
            *into(SUPPLIER, (USAGE, supplier)),
        ),
        time_checks=1,
    )
    asked = replace(asked, path_certificates=(issuing.certificate_der(),))
    name = NAMES[Mode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY]
    assert statuses(bench.ask(name, asked, Role.RECOVERY)) == [0, 0]
    old = update(bench, Mode.SUPPLIER_BY_SUPPLIER, into(SUPPLIER, *supplier_pairs()))
    keys = next_keys(bench.keys, supplier)
    octets = bench.message(NAMES[Mode.SUPPLIER_BY_SUPPLIER], old, keys=keys)
    assert statuses(bench.send(octets)) == [Status.NO_TRUST_ANCHOR] * 3


@pytest.mark.parametrize(
    ("kind", "mode", "sender", "usages"),
    [
        (DeviceType.ESME, Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR, Role.NETWORK_OPERATOR, 2),
        (DeviceType.ESME, Mode.TRANS_COS_BY_TRANS_COS, Role.TRANSITIONAL_COS, 1),
        (DeviceType.ESME, Mode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER, Role.LOAD_CONTROLLER, 2),
        (DeviceType.CHF, Mode.WAN_PROVIDER_BY_WAN_PROVIDER, Role.WAN_PROVIDER, 1),
        (DeviceType.GPF, Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR, Role.NETWORK_OPERATOR, 2),
    ],
)
def test_every_party_replaces_its_own_certificates(
    kind: DeviceType, mode: Mode, sender: Role, usages: int
) -> None:
    bench = SharedBench(kind)
    pairs = [(usage, new(sender, usage)) for usage in SUPPLIER_KEYS[:usages]]
    asked = update(bench, mode, into(sender, *pairs), new_party_floor=0)
    assert statuses(bench.ask(NAMES[mode], asked, sender)) == [Status.SUCCESS] * usages
    assert held(bench, sender) == key_id(pairs[0][1])


def test_a_broker_that_replaces_its_key_makes_macs_with_the_new_one() -> None:
    bench = SharedBench()
    mode, usage = Mode.ACCESS_CONTROL_BROKER_BY_ACB, Usage.KEY_AGREEMENT
    holder = new(BROKER, usage)
    asked = update(bench, mode, into(BROKER, (usage, holder)), new_party_floor=0)
    assert statuses(bench.ask(NAMES[mode], asked, BROKER)) == [Status.SUCCESS]
    assert bench.ask("CS07", None) is Refusal.MAC_INVALID
    keys = next_keys(bench.keys, holder, role=BROKER)
    keys.access_control_broker = PARTIES[BROKER]
    assert isinstance(bench.send(bench.message("CS07", None, keys=keys)), JoinDetails)


def test_a_supplier_fills_the_load_controllers_cells() -> None:
    bench = SharedBench()
    pairs = [(usage, new(SUPPLIER, usage)) for usage in SUPPLIER_KEYS[:2]]
    mode = Mode.LOAD_CONTROLLER_BY_SUPPLIER
    floors = (PartyFloor(Role.LOAD_CONTROLLER, 0),)
    asked = update(bench, mode, into(Role.LOAD_CONTROLLER, *pairs), other_party_floors=floors)
    assert statuses(bench.ask(NAMES[mode], asked)) == [Status.SUCCESS] * 2
    supplier = PARTIES[SUPPLIER]
    roles = bench.chassis.credentials.roles(supplier)
    assert roles == {SUPPLIER, Role.LOAD_CONTROLLER}
    assert isinstance(bench.ask("CS02e", KeyUseQuery()), bytes)  # its old key still signs, too
    strict = SharedBench(common=CommonSettings(certificate_role_matches_cell=True))
    asked = update(strict, mode, into(Role.LOAD_CONTROLLER, *pairs))
    assert statuses(strict.ask(NAMES[mode], asked)) == [Status.BAD_CERTIFICATE] * 2


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda c: replace(c, authorising_counter=7), Refusal.TEMPLATE),
        (lambda c: replace(c, mode=Mode.SUPPLIER_BY_TRANS_COS), Refusal.TEMPLATE),
        (lambda c: replace(c, mode=Mode.ANY_BY_CONTINGENCY), Refusal.TEMPLATE),
        (lambda c: replace(c, authorising_cell=cell(Role.RECOVERY)), Refusal.TEMPLATE),
    ],
)
def test_an_update_that_contradicts_itself_is_refused(change: object, refusal: Refusal) -> None:
    bench = SharedBench()
    asked = update(bench, Mode.SUPPLIER_BY_SUPPLIER, into(SUPPLIER, *supplier_pairs()))
    assert callable(change)
    asked = replace(asked, control=change(asked.control))
    assert bench.ask(NAMES[Mode.SUPPLIER_BY_SUPPLIER], asked) is refusal


def test_nobody_replaces_what_is_not_theirs() -> None:
    bench = SharedBench()
    mode = Mode.SUPPLIER_BY_SUPPLIER
    asked = update(bench, mode, into(SUPPLIER, *supplier_pairs()))
    assert bench.ask(NAMES[mode], asked, Role.NETWORK_OPERATOR) is Refusal.NOT_AUTHORISED
    other = update(bench, mode, into(Role.NETWORK_OPERATOR, (USAGE, new(SUPPLIER, USAGE))))
    assert bench.ask(NAMES[mode], other) is Refusal.TEMPLATE


def test_a_replacement_to_come_is_kept_executed_and_told() -> None:
    bench = SharedBench()
    mode, due = Mode.SUPPLIER_BY_SUPPLIER, NOW + timedelta(days=1)
    pairs = supplier_pairs()
    asked = update(bench, mode, into(SUPPLIER, *pairs), due, new_party_floor=0)
    assert bench.ask(NAMES[mode], asked) == CredentialsUpdateResponse()
    assert held(bench, SUPPLIER) != key_id(pairs[0][1])
    again = SharedBench(store=bench.store)
    again.pass_(days=2)
    (alert,) = again.sent
    told = decode(0x00CB, Cra.ALERT, alert.payload)
    assert isinstance(told, CredentialsUpdateAlert)
    assert (told.alert_code, told.when) == (0x8F66, NOW + timedelta(days=2))
    assert told.outcome.command_counter == 1001
    assert held(again, SUPPLIER) == key_id(pairs[0][1])


def test_a_replacement_to_come_is_cancelled_and_a_failed_one_is_told_too() -> None:
    bench = SharedBench()
    mode, due = Mode.LOAD_CONTROLLER_BY_SUPPLIER, NOW + timedelta(days=1)
    pairs = [(USAGE, new(SUPPLIER, USAGE))]
    bench.ask(NAMES[mode], update(bench, mode, into(Role.LOAD_CONTROLLER, *pairs), due))
    cancel = update(bench, mode, into(Role.LOAD_CONTROLLER, *pairs), NEVER)
    assert bench.ask(NAMES[mode], cancel) == CredentialsUpdateResponse()
    bench.pass_(days=2)
    assert bench.sent == []
    late = update(bench, mode, into(Role.LOAD_CONTROLLER, *pairs), NOW + timedelta(days=5000))
    bench.ask(NAMES[mode], late)
    bench.pass_(days=5000)
    (alert,) = bench.sent
    told = decode(0x0124, Cra.ALERT, alert.payload)
    assert isinstance(told, CredentialsUpdateAlert)
    assert told.alert_code == 0x8F67
