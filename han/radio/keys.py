"""Install code to link key, and the keys derived from it (Zigbee AES-MMO and its HMAC)."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_OCTETS: Final = 16
INSTALL_CODE_OCTETS: Final = (6, 8, 12, 16)
_CRC_POLYNOMIAL: Final = 0x8408  # CRC-16/X-25, reflected 0x1021


def aes_mmo(message: bytes) -> bytes:
    """Matyas-Meyer-Oseas hash over AES-128, 16 octets; messages under 2^16 bits."""
    if len(message) > 0x1FFF:
        raise ValueError(f"AES-MMO takes at most 8191 octets, not {len(message)}")
    padded = message + b"\x80" + bytes((BLOCK_OCTETS - 3 - len(message)) % BLOCK_OCTETS)
    padded += (8 * len(message)).to_bytes(2)
    digest = bytes(BLOCK_OCTETS)
    for start in range(0, len(padded), BLOCK_OCTETS):
        block = padded[start : start + BLOCK_OCTETS]
        encryptor = Cipher(algorithms.AES(digest), modes.ECB()).encryptor()
        digest = _xor(encryptor.update(block), block)
    return digest


def hmac_mmo(key: bytes, message: bytes) -> bytes:
    """RFC 2104 HMAC with AES-MMO as its hash and a block of 16 octets."""
    inner = aes_mmo(_xor(key, b"\x36" * BLOCK_OCTETS) + message)
    return aes_mmo(_xor(key, b"\x5c" * BLOCK_OCTETS) + inner)


def key_transport_key(link_key: bytes) -> bytes:
    """The key that protects Transport-Key of the network key towards a joining device."""
    return hmac_mmo(link_key, b"\x00")


def key_load_key(link_key: bytes) -> bytes:
    """The key that protects Transport-Key of link keys."""
    return hmac_mmo(link_key, b"\x02")


def install_code_crc(code: bytes) -> bytes:
    """CRC-16/X-25 of an install code, low octet first, as printed behind it."""
    crc = 0xFFFF
    for octet in code:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ _CRC_POLYNOMIAL if crc & 1 else crc >> 1
    return (crc ^ 0xFFFF).to_bytes(2, "little")


def without_crc(code: bytes) -> bytes:
    """An install code of 6, 8, 12 or 16 octets, from one with or without its CRC.

    Eight octets are six and their CRC when that fits. ValueError names a wrong length, or a CRC
    that does not match.
    """
    given = code[-2:]
    if len(code) - 2 in INSTALL_CODE_OCTETS and len(code) not in INSTALL_CODE_OCTETS:
        code = code[:-2]
        if given != install_code_crc(code):
            raise ValueError(
                f"install code CRC is {given.hex()}, not {install_code_crc(code).hex()}"
            )
    elif len(code) == 8 and given == install_code_crc(code[:-2]):
        code = code[:-2]
    if len(code) not in INSTALL_CODE_OCTETS:
        raise ValueError(
            f"an install code has 6, 8, 12 or 16 octets, or two more with its CRC, not {len(code)}"
        )
    return code


def link_key_of_install_code(code: bytes) -> bytes:
    """Preconfigured link key of an install code, with or without its CRC: :func:`without_crc`."""
    code = without_crc(code)
    return aes_mmo(code + install_code_crc(code))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
