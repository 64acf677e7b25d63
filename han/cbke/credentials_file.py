"""Credentials as text, one ``name: hex`` a line, as certificate authorities hand them out.

    CA Public Key: 0207a445...
    Device Implicit Cert: 0022 2a05...
    Device Private Key: 0151cd0d...

Names are read without regard to case and spaces, other lines are ignored. The private key is a
secret: keep such files where only the bench can read them.
"""

from __future__ import annotations

from typing import Final

from han.cbke.authority import Credentials

_NAMES: Final = {
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
    values: dict[str, bytes] = {}
    for line in text.splitlines():
        name, _, octets = line.partition(":")
        field = _NAMES.get("".join(name.lower().split()))
        if field is not None:
            values[field] = _octets(name.strip(), octets)
    missing = [field for field in _NEEDED if field not in values]
    if missing:
        raise ValueError(f"credentials lack {', '.join(missing)}")
    return Credentials.load(**values)


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


def _octets(name: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        raise ValueError(f"{name} is not hexadecimal") from None
