"""A device's own keys: a pair is made, certified, and used (CS02c to CS02f)."""

from __future__ import annotations

import pytest

from device.command import Answered
from device.faults import Part
from gbcs.asn1.credentials import (
    KeyUseQuery,
)
from gbcs.asn1.names import KeyUse, RequestFailure, RetrievalFailure, StoreCode
from gbcs.envelope import Message
from gbcs.keys import Usage
from gbcs.pki import read_request
from gbcs.protection import Verdict, verify
from tests.device.cells import (
    USAGE,
    spoilt,
)
from tests.device.shared import (
    SharedBench,
    maker,
    next_keys,
    pki,
)


@pytest.mark.parametrize("usage", [Usage.DIGITAL_SIGNATURE, Usage.KEY_AGREEMENT])
def test_a_device_makes_a_pair_and_uses_it_once_it_is_certified(usage: Usage) -> None:
    bench = SharedBench()
    use = KeyUse.DIGITAL_SIGNATURE if usage is USAGE else KeyUse.KEY_AGREEMENT
    request = bench.ask("CS02c", KeyUseQuery(use))
    assert isinstance(request, bytes)
    assert read_request(request)[1] == bench.eui64
    certificate = maker().certify(request, pki().issuing)
    bench = SharedBench(store=bench.store)
    bench.counter = 2000
    assert bench.ask("CS02d", certificate) == StoreCode.SUCCESS
    code = 0x8F4D if usage is USAGE else 0x8F4F
    assert [each.code for each in bench.chassis.security_log.entries()] == [code]
    again = SharedBench(store=bench.store)
    again.counter = 3000
    receiver = next_keys(bench.keys)
    receiver.add_certificate(bench.eui64, usage, certificate)
    read = again.message("CS02e", KeyUseQuery(use), keys=receiver)
    assert again.send(read) == certificate
    name = "CS02e" if usage is USAGE else "CS07"
    asked = KeyUseQuery(use) if usage is USAGE else None
    outcome = again.pipeline.receive(again.message(name, asked, keys=receiver))
    assert isinstance(outcome, Answered)
    response = Message.parse(outcome.octets)
    checked = verify(response, receiver)
    assert Verdict.VALID in (checked.mac, checked.signature)
    assert verify(response, bench.keys) != checked


def test_a_certificate_that_does_not_fit_the_pair_is_refused_by_its_code() -> None:
    bench = SharedBench()
    own = pki().holders[bench.eui64, USAGE].certificate_der()
    other = pki().holders[bench.eui64 + 1, USAGE].certificate_der()
    assert bench.ask("CS02d", own) == StoreCode.NO_CORRESPONDING_KEY_PAIR_GENERATED
    assert bench.ask("CS02d", other) == StoreCode.WRONG_DEVICE_IDENTITY
    assert bench.ask("CS02d", spoilt()) == StoreCode.INVALID_CERTIFICATE
    request = bench.ask("CS02c", KeyUseQuery())
    assert isinstance(request, bytes)
    assert bench.ask("CS02d", own) == StoreCode.WRONG_PUBLIC_KEY
    certificate = maker().certify(request, pki().issuing)
    bench.chassis.broken.add(Part.KEY_STORAGE)
    assert bench.ask("CS02d", certificate) == StoreCode.PRIVATE_KEY_CHANGE_FAILED
    bench.chassis.broken.add(Part.CERTIFICATE_STORAGE)
    assert bench.ask("CS02d", certificate) == StoreCode.CERTIFICATE_STORAGE_FAILED
    bench.chassis.broken.clear()
    assert bench.ask("CS02d", certificate) == StoreCode.SUCCESS
    codes = [each.code for each in bench.chassis.security_log.entries()]
    assert codes == [0x8F4C, 0x8F4C, 0x8F4C, 0x8F4C, 0x8F4C, 0x8F4D]


def test_requests_and_certificates_that_cannot_be_had_say_why() -> None:
    bench = SharedBench()
    wrong, good = KeyUseQuery(KeyUse.CRL_SIGN), KeyUseQuery(KeyUse.KEY_AGREEMENT)
    assert bench.ask("CS02c", wrong) == RequestFailure.INVALID_KEY_USAGE
    assert bench.ask("CS02e", wrong) == RetrievalFailure.INVALID_KEY_USAGE
    bench.chassis.broken |= {Part.CERTIFICATION_REQUEST, Part.CERTIFICATE_MEMORY}
    assert bench.ask("CS02c", good) == RequestFailure.REQUEST_PRODUCTION_FAILED
    assert bench.ask("CS02e", good) == RetrievalFailure.CERTIFICATE_RETRIEVAL_FAILURE
    bench.chassis.random_octets = None
    assert bench.ask("CS02c", good) == RequestFailure.KEY_PAIR_GENERATION_FAILED
    bare = SharedBench()
    bare.keys.remove(bare.eui64, Usage.KEY_AGREEMENT)
    bare.keys.add_private(bare.eui64, Usage.KEY_AGREEMENT, 7)
    assert bare.ask("CS02e", good) == RetrievalFailure.NO_CERTIFICATE_HELD
