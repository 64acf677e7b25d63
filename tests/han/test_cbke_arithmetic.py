"""Key establishment arithmetic against the examples of ZSE Annex C.5 and C.6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gbcs.errors import MalformedMessage
from han.cbke.agreement import Agreement, KeyPair, shared_point
from han.cbke.authority import Authority, Credentials
from han.cbke.certificate import Certificate, Suite
from han.cbke.credentials_file import format_credentials, parse_credentials
from han.cbke.curve import SECT163K1, SECT283K1, Curve, Point
from tests.han.home import METER

CURVES = [SECT163K1, SECT283K1]


@dataclass(frozen=True)
class Example:
    authority: str
    certificate_u: str
    private_u: str
    public_u: str
    certificate_v: str
    private_v: str
    public_v: str
    ephemeral_u: str
    point_u: str
    ephemeral_v: str
    point_v: str
    shared: str
    mac_key: str
    link_key: str
    mac_u: str
    mac_v: str


SUITE_1 = Example(
    authority="0200FDE8A7F3D1084224962A4E7C54E69AC3F04DA6B8",
    certificate_u="020615E07D30ECA2DAD58002E667D94BC1B42239830700000000000000025445535453454341"
    "01090006000000000000",
    private_u="01E9DDB5580CF72ECE7F215F0AE594E48DF3E7FEE8",
    public_u="03025BBA38D0C7B5436B68DF728F093E7A1D6C437E6D",
    certificate_v="03045FDFC8D85FFB8B3993CB72DDCAA55F00B3E87D6D00000000000000015445535453454341"
    "01090006000000000000",
    private_v="00B8A900FCADEBABBFA383B540FCE9ED438395EAA7",
    public_v="030290A1F5C08DAD5F2945E335620C7A98FAC46666A1",
    ephemeral_u="0013D36DE4B1EA8E22739C381370823F404BFF8862",
    point_u="0300E117C86D0E7CD128B2F34E9076CFF24AF46D7288",
    ephemeral_v="03D48C7210DDBCC4FB2E5E7A0AA16A0DB89540820B",
    point_v="0306AB52062201D995B8B8591F3F086A3A2E214D845E",
    shared="00E0D2C3CCD5C106A89C4F6CC26A5F7EC9DF78A7BE",
    mac_key="90F967B22C8357C10C1C04788DE9E848",
    link_key="86D58AAA998E2FAEFAF9FEF49606543A",
    mac_u="B82F1F9774740C32F80FCFC3921B6420",
    mac_v="79D5F2AD1C31D4D1EE7CB719AC683C3C",
)
SUITE_2 = Example(
    authority="0207A445022D9F39F49BDC38380026A27A9E0A1799313AB28C5C1A1C6B605154DB1DFF6752",
    certificate_u="0084A933B37F018DEC0D081112131415161718005292A38AFFFFFFFF0A0B0C0D0E0F101288"
    "03076277E2F7E2252B16A0E92B6E8771BB3F207946CBD4A45D9A9DF6EDAB8C796A48E89DEC",
    private_u="00F2561ADB39EF49C1D62EF5186C6E0C158A5A45BFCE38660931ACC3694592D5ACDE9006",
    public_u="03030E56F7ADE866E76372764BA20A9FF1FE4CAE522F94839E70F2ADFC1CA3E97F4DDCAF2E",
    certificate_v="002622A505E8938F270D081112131415161718005292A35BFFFFFFFF0A0B0C0D0E0F101188"
    "0303B4E9DC543A64333C982308022B54E67E2F15F532551B0A11E2E2C1C1D3097A4324E7ED",
    private_v="0151CD0DBCB80474BF7AC9FEEBE39C7A32A63518938FCA9754AAE132BC9C73BE94A7E1BE",
    public_v="0202F4FA2A3040433C6820299D182A1042E41404E337C57F47716B42DFAF970F1580A04C9B",
    ephemeral_u="0013D36DE4B1EA8E22739C381370823F404BFF8862B521FECA9871FB3691846D361304B4",
    point_u="0305F3394E15680660EECAA36788D9B6F312B971CE2C9617570BF7DFCD21C972017762C332",
    ephemeral_v="03D48C7210DDBCC4FB2E5E7A0AA16A0DB89540820B8DC091AB521EA824AFE117CADE995B",
    point_v="03009A5131CF5B92A016378C0F7F284ECD47F94010F875D43BF1E9A65474ADBFC63696A930",
    shared="04F7724A9A77B21D2747CCEF68A457E45246C4BE9F66FD9425227BCB2CC5180EA9CCCB9A",
    mac_key="ED380A00296600FB6B893025DE5FD137",
    link_key="AA4689C70BE0FAF0C9BE534ABD9F4CDC",
    mac_u="BF7E1A26D4EF7038B56813E465A131C9",
    mac_v="C5B432A9995A092F4449F83613930064",
)
EXAMPLES = pytest.mark.parametrize(
    "example", [pytest.param(SUITE_1, id="C.5"), pytest.param(SUITE_2, id="C.6")]
)


def pair(curve: Curve, private: str) -> KeyPair:
    return KeyPair.of(curve, int(private, 16))


@EXAMPLES
def test_certificates_stand_for_the_published_keys(example: Example) -> None:
    for octets, private, public in (
        (example.certificate_u, example.private_u, example.public_u),
        (example.certificate_v, example.private_v, example.public_v),
    ):
        certificate = Certificate.parse(bytes.fromhex(octets))
        curve = certificate.suite.curve
        authority = curve.decompress(bytes.fromhex(example.authority))
        key = certificate.public_key(authority)
        assert curve.compress(key).hex().upper() == public
        assert key == pair(curve, private).public


@EXAMPLES
def test_both_sides_reach_the_published_secret_keys_and_macs(example: Example) -> None:
    u = Certificate.parse(bytes.fromhex(example.certificate_u))
    v = Certificate.parse(bytes.fromhex(example.certificate_v))
    curve = u.suite.curve
    du, dv = pair(curve, example.private_u), pair(curve, example.private_v)
    eu, ev = pair(curve, example.ephemeral_u), pair(curve, example.ephemeral_v)
    points = curve.compress(eu.public), curve.compress(ev.public)
    assert [p.hex().upper() for p in points] == [example.point_u, example.point_v]
    at_u = shared_point(curve, du, eu, dv.public, ev.public)
    assert at_u == shared_point(curve, dv, ev, du.public, eu.public)
    assert at_u.hex().upper() == example.shared
    agreement = Agreement.of(at_u)
    assert agreement.mac_key.hex().upper() == example.mac_key
    assert agreement.link_key.hex().upper() == example.link_key
    identities = u.subject, v.subject
    assert agreement.initiator_mac(identities, points).hex().upper() == example.mac_u
    assert agreement.responder_mac(identities, points).hex().upper() == example.mac_v
    assert example.link_key.lower() not in repr(agreement)


def test_certificate_fields() -> None:
    one = Certificate.parse(bytes.fromhex(SUITE_1.certificate_u))
    assert (one.suite, one.subject, one.issuer) == (Suite.SUITE_1, 2, 0x5445535453454341)
    two = Certificate.parse(bytes.fromhex(SUITE_2.certificate_v))
    assert (two.subject, two.issuer) == (0x0A0B0C0D0E0F1011, 0x1112131415161718)
    assert two.allows_key_agreement


def lies_on(curve: Curve, point: Point) -> bool:
    """y2 + xy = x3 + ax2 + 1."""
    f, x, y = curve.field, point.x, point.y
    square = f.square(x)
    right = f.multiply(square, x) ^ (square if curve.a else 0) ^ 1
    return f.square(y) ^ f.multiply(x, y) == right


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.name)
def test_the_base_point_has_the_order_of_the_curve(curve: Curve) -> None:
    assert lies_on(curve, curve.base)
    assert curve.multiply(curve.order, curve.base) is None
    negative = Point(curve.base.x, curve.base.x ^ curve.base.y)
    assert curve.multiply(curve.order - 1, curve.base) == negative
    assert curve.add(curve.base, negative) is None


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.name)
@given(st.integers(1, 2**128), st.integers(1, 2**128))
@settings(max_examples=10)
def test_multiplication_agrees_with_addition(curve: Curve, m: int, n: int) -> None:
    left, right = curve.multiply(m, curve.base), curve.multiply(n, curve.base)
    total = curve.multiply(m + n, curve.base)
    assert curve.add(left, right) == total
    assert total is not None
    assert lies_on(curve, total)
    assert curve.decompress(curve.compress(total)) == total


@pytest.mark.parametrize("suite", [Suite.SUITE_1, Suite.SUITE_2])
def test_our_own_authority_issues_credentials_that_load_again(suite: Suite) -> None:
    random = Random(7).randbytes
    authority = Authority.create(suite, 0x1112131415161718, random)
    issued = authority.issue(0x00DB1234567890A1, random)
    curve = suite.curve
    octets = issued.certificate.octets
    private = issued.key.private.to_bytes(curve.octets)
    root = curve.compress(authority.key.public)
    loaded = Credentials.load(octets, private, root)
    assert loaded.certificate.subject == 0x00DB1234567890A1
    assert loaded.key.public == loaded.certificate.public_key(loaded.authority)
    with pytest.raises(ValueError, match="private key"):
        Credentials.load(octets, bytes(curve.octets - 1) + b"\x05", root)


@given(st.binary(max_size=80))
def test_arbitrary_octets_are_a_certificate_or_malformed(octets: bytes) -> None:
    try:
        Certificate.parse(octets)
    except MalformedMessage:
        assert len(octets) not in (48,)


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.name)
@given(data=st.data())
@settings(max_examples=30)
def test_arbitrary_octets_are_a_point_of_the_curve_or_malformed(
    curve: Curve, data: st.DataObject
) -> None:
    octets = data.draw(st.binary(min_size=curve.octets, max_size=curve.octets + 1))
    try:
        assert lies_on(curve, curve.decompress(octets))
    except MalformedMessage:
        return


@pytest.mark.parametrize("suite", [Suite.SUITE_1, Suite.SUITE_2])
def test_credentials_are_written_and_read_as_text(suite: Suite) -> None:
    random = Random(11).randbytes
    issued = Authority.create(suite, 0x1112131415161718, random).issue(METER, random)
    text = format_credentials(issued)
    assert parse_credentials("# a comment\n" + text.upper()) == issued
    assert "CA Public Key: " in text
    assert f"{issued.key.private:X}" not in repr(issued)


@EXAMPLES
def test_the_published_credentials_are_read_as_text(example: Example) -> None:
    text = (
        f"ca  public key : 0x{example.authority}\n"
        f"Device Implicit Cert:{example.certificate_u}\nDevice Private Key: {example.private_u}\n"
    )
    credentials = parse_credentials(text)
    assert credentials.suite.curve.compress(credentials.key.public).hex().upper() == (
        example.public_u
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text.replace("Private", "Secret"), "lack private"),
        (lambda text: text.replace("Key: 0", "Key: zz"), "not hexadecimal"),
        (lambda text: text.replace("Cert: ", "Cert: 00"), "48 or 74"),
    ],
)
def test_spoilt_credentials_say_what_is_wrong(spoil: Callable[[str], str], reason: str) -> None:
    random = Random(11).randbytes
    issued = Authority.create(Suite.SUITE_2, 0x1112131415161718, random).issue(METER, random)
    with pytest.raises((ValueError, MalformedMessage), match=reason):
        parse_credentials(spoil(format_credentials(issued)))


def doubled_and_added(curve: Curve, scalar: int, point: Point) -> Point | None:
    """The schoolbook's multiplication."""
    total: Point | None = None
    for bit in f"{scalar:b}":
        total = curve.add(total, total)
        total = curve.add(total, point) if bit == "1" else total
    return total


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.name)
@given(st.integers(0, 2**290), st.booleans())
@settings(max_examples=4)
@example(0, False)
@example(1, True)
@example(2, True)
@example(3, False)
@example(15, True)
def test_base_tau_agrees_with_doubling_for_every_point(
    curve: Curve, scalar: int, outside: bool
) -> None:
    of_order_two = Point(0, 1)
    point = curve.add(curve.base, of_order_two) if outside else curve.base
    assert point is not None
    assert curve.multiply(scalar, point) == doubled_and_added(curve, scalar, point)
    assert curve.multiply(scalar, of_order_two) == (of_order_two if scalar & 1 else None)


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: c.name)
def test_a_sum_of_multiples_is_the_sum_of_the_multiples(curve: Curve) -> None:
    other = curve.multiply(77, curve.base)
    apart = curve.add(curve.multiply(2**200 + 5, curve.base), curve.multiply(3**90, other))
    assert curve.combine((2**200 + 5, curve.base), (3**90, other)) == apart
    assert curve.combine((5, other), (curve.order - 5, other)) is None
    assert curve.combine() is None
