"""What every table of a rig file is made of: its base, its kinds of values, its error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from gbcs.errors import GbcsError
from gbcs.eui64 import parse_eui64
from han.radio import link_key_of_install_code

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SEPARATORS: Final = str.maketrans("", "", "-: ")


class RigError(ValueError):
    """The rig file cannot be used; the message names the file, the key and the reason."""


def _eui64(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_eui64(value)
    except GbcsError as error:
        raise ValueError(str(error)) from error


def octets_of(text: str) -> bytes:
    """Octets in hexadecimal, also with blanks, hyphens or colons between; ValueError if it is not.

    The text may be a secret, so the error does not quote it.
    """
    try:
        return bytes.fromhex(text.translate(_SEPARATORS))
    except ValueError:
        raise ValueError("not hexadecimal digits, two for each octet") from None


def _octets(value: object) -> object:
    if isinstance(value, str):
        return octets_of(value)
    if isinstance(value, bytes):
        return value
    raise ValueError("is written as text: hexadecimal digits in quotes")


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


def first_problems(error: ValidationError) -> str:
    """What is wrong, each with its key."""
    problems = [
        f"{'.'.join(map(str, problem['loc']))}: {_say(problem)}".removeprefix(": ")
        for problem in error.errors()
    ]
    return "; ".join(problems).replace("Value error, ", "")


def _say(problem: ErrorDetails) -> str:
    return "no such key" if problem["type"] == "extra_forbidden" else problem["msg"]
