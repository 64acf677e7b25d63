"""Where a bench listens: HOST:PORT, and what goes wrong there."""

from __future__ import annotations

from bench.rig_section import RigError


class WanError(OSError):
    """The WAN port cannot be opened; the message names it and the reason."""


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` as its two parts; RigError when it is not one."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 0xFFFF:
        raise RigError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
