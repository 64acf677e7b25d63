"""What every table of a rig file is made of: its base, its kinds of values, its error."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gbcs.errors import GbcsError
from gbcs.eui64 import parse_eui64
from han.radio import link_key_of_install_code


class RigError(ValueError):
    """The rig file cannot be used; the message names the file, the key and the reason."""


def _eui64(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_eui64(value)
    except GbcsError as error:
        raise ValueError(str(error)) from error


def _octets(value: object) -> object:
    return bytes.fromhex(value) if isinstance(value, str) else value


def _install_code(code: bytes) -> bytes:
    link_key_of_install_code(code)  # says what is wrong with its length or its CRC
    return code


Eui64 = Annotated[int, BeforeValidator(_eui64), Field(ge=0, lt=1 << 64)]
Key128 = Annotated[bytes, BeforeValidator(_octets), Field(min_length=16, max_length=16)]
Firmware = Annotated[bytes, BeforeValidator(_octets), Field(min_length=4, max_length=4)]
EndpointNumber = Annotated[int, Field(ge=1, le=240)]
InstallCode = Annotated[bytes, BeforeValidator(_octets), AfterValidator(_install_code)]


class Section(BaseModel):
    """A table of the rig file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
