"""Credentials as text, one ``name: hex`` a line, as certificate authorities hand them out.

    CA Public Key: 0207a445...
    Device Implicit Cert: 0022 2a05...
    Device Private Key: 0151cd0d...

Names are read without regard to case and spaces, other lines are ignored. The private key is a
secret: keep such files where only the bench can read them.
"""

from __future__ import annotations

from typing import Final

from gbcs.eui64 import format_eui64
from han.cbke.agreement import KeyPair
from han.cbke.authority import Authority, Credentials
from han.cbke.certificate import Suite

_NAMES: Final = {
    "caid": "issuer",
    "caprivatekey": "root",
    "capublickey": "authority",
    "capubkey": "authority",
    "deviceimplicitcert": "certificate",
    "implicitcert": "certificate",
    "deviceprivatekey": "private",
    "privatekey": "private",
}
_NEEDED: Final = ("certificate", "private", "authority")


def parse_credentials(text: str) -> Credentials:
    """Read one device's credentials; ValueError names what is missing or does not fit.

    A private key that is not the certificate's, or another authority's certificate, is found here.
    """
    return Credentials.load(**_values(text, _NEEDED))


def format_credentials(credentials: Credentials) -> str:
    """Write one device's credentials, private key included."""
    curve = credentials.suite.curve
    lines = (
        ("IEEE Address", credentials.certificate.subject.to_bytes(8)),
        ("CA Public Key", curve.compress(credentials.authority)),
        ("Device Implicit Cert", credentials.certificate.octets),
        ("Device Private Key", credentials.key.private.to_bytes(curve.octets)),
    )
    return "".join(f"{name}: {octets.hex()}\n" for name, octets in lines)


def parse_authority(text: str) -> Authority:
    """Read an authority of our own; its suite is told by the length of its private key."""
    values = _values(text, ("issuer", "root"))
    suites = [suite for suite in Suite if suite.curve.octets == len(values["root"])]
    if not suites:
        raise ValueError(f"no suite has a CA Private Key of {len(values['root'])} octets")
    key = KeyPair.of(suites[0].curve, int.from_bytes(values["root"]))
    return Authority(suites[0], int.from_bytes(values["issuer"]), key)


def format_authority(authority: Authority) -> str:
    """Write an authority of our own, private key included."""
    curve = authority.suite.curve
    private = authority.key.private.to_bytes(curve.octets)
    return (
        f"CA ID: {format_eui64(authority.issuer)}\n"
        f"CA Public Key: {curve.compress(authority.key.public).hex()}\n"
        f"CA Private Key: {private.hex()}\n"
    )


def _values(text: str, needed: tuple[str, ...]) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    for line in text.splitlines():
        name, _, octets = line.partition(":")
        field = _NAMES.get("".join(name.lower().split()))
        if field in needed:
            values[field] = _octets(name.strip(), octets)
    missing = [field for field in needed if field not in values]
    if missing:
        raise ValueError(f"credentials lack {', '.join(missing)}")
    return values


def _octets(name: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        raise ValueError(f"{name} is not hexadecimal") from None
