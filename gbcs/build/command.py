"""Any command by the name of its use case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from gbcs.asn1 import payload as asn1
from gbcs.asn1.der import AnyCodec, Null
from gbcs.asn1.names import ReplacementMode
from gbcs.asn1.plain import from_plain, members_of, to_plain, type_name
from gbcs.body import Asn1Body, decode_body
from gbcs.build.dlms import Parties, build_dlms, dlms_arguments, dlms_parameters
from gbcs.build.gbz import build_gbz, gbz_arguments, gbz_parameters
from gbcs.build.parameter import Arguments, ParameterInfo
from gbcs.catalogue.use_case import Protection, UseCase, by_code
from gbcs.dlms.apdu import AccessRequest
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore
from gbcs.plain import Plain
from gbcs.protection import protect

VALUE: Final = "value"
"""Parameter name where the whole payload is one value."""
_FROM_THE_MESSAGE: Final = frozenset({"counter"})
_REPLACEMENT_MODES: Final = {
    **{0x0100 + mode: mode for mode in range(10)},
    0x0125: ReplacementMode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER,
    0x0126: ReplacementMode.LOAD_CONTROLLER_BY_SUPPLIER,
}
"""Replacement mode of each credential update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Who sends, who receives, with which counters.

    For an unknown remote party the originator is the access control broker; ``supplementary_id``
    and ``supplementary_counter`` are the party's own, and ``certificate`` its key agreement
    certificate (DER) when the answer shall be encrypted for it.
    """

    originator: int
    recipient: int
    originator_counter: int
    supplementary_id: int | None = None
    supplementary_counter: int | None = None
    certificate: bytes | None = None


def parameters(use_case: UseCase) -> tuple[ParameterInfo, ...]:
    """What can be given when building this use case's command."""
    return tuple(_parameters(use_case))


def build(
    use_case: UseCase,
    arguments: Mapping[str, Plain],
    address: Address,
    keys: KeyStore | None = None,
    protection: Protection | None = None,
) -> Message:
    """Build a command; without keys a pre-command, else signed and MAC'd.

    LocalError names a parameter that is missing, unknown, or does not fit; MissingKey a key.
    ``protection`` overrides what the catalogue says.
    """
    given = Arguments(arguments)
    payload = _payload(use_case, given, address)
    given.finish()
    message = Message(
        cra=Cra.COMMAND,
        originator_counter=address.originator_counter,
        originator=address.originator,
        recipient=address.recipient,
        message_code=use_case.message_code,
        payload=payload,
        supplementary_id=address.supplementary_id,
        supplementary_counter=address.supplementary_counter,
        certificate=address.certificate,
        signature=None,
    )
    if keys is None:
        return message
    return protect(message, keys, protection or _usual_protection(use_case, address, keys))


def arguments_of(message: Message, use_case: UseCase | None = None) -> dict[str, Plain]:
    """The parameters that build this command again; LocalError when it is not as catalogued."""
    use_case = use_case or by_code(message.message_code)
    if use_case is None or message.cra is not Cra.COMMAND:
        raise LocalError("not a command of a known use case")
    body = decode_body(message)
    if isinstance(body, Asn1Body):
        codec = _codec(use_case)
        plain = to_plain(codec, body.value)
        if plain is None:
            return {}
        return plain if isinstance(plain, dict) else {VALUE: plain}
    if isinstance(body, Gbz):
        return gbz_arguments(use_case.components(Cra.COMMAND), body)
    if isinstance(body, AccessRequest):
        return dlms_arguments(use_case.items(), body)
    raise LocalError(f"{use_case.name} has no parameters")


def address_of(message: Message) -> Address:
    """Sender, recipient and counters of a command."""
    return Address(
        originator=message.originator,
        recipient=message.recipient,
        originator_counter=message.originator_counter,
        supplementary_id=message.supplementary_id,
        supplementary_counter=message.supplementary_counter,
        certificate=message.certificate,
    )


def _parameters(use_case: UseCase) -> Iterator[ParameterInfo]:
    yield from gbz_parameters(use_case.components(Cra.COMMAND))
    yield from dlms_parameters(use_case.items())
    codec = asn1.codec_of(use_case.message_code, Cra.COMMAND)
    if codec is None:
        return
    members = list(members_of(codec))
    for member in members:
        required = not member.optional and member.name not in _FROM_THE_MESSAGE
        yield ParameterInfo(member.name, type_name(member.codec), required)
    if not members and not isinstance(codec, Null):
        yield ParameterInfo(VALUE, type_name(codec), required=True)


def _payload(use_case: UseCase, given: Arguments, address: Address) -> bytes:
    if components := use_case.components(Cra.COMMAND):
        return build_gbz(components, given)
    if items := use_case.items():
        asking = address.supplementary_id or address.originator
        parties = Parties(asking, address.recipient, address.originator_counter)
        return build_dlms(items, given, parties)
    if asn1.has_asn1(use_case.message_code, Cra.COMMAND):
        return _asn1_payload(use_case, given, address)
    raise LocalError(f"the structure of {use_case.name} is not known")


def _codec(use_case: UseCase) -> AnyCodec:
    codec = asn1.codec_of(use_case.message_code, Cra.COMMAND)
    if codec is None:
        raise LocalError(f"{use_case.name} has no ASN.1 command")
    return codec


def _asn1_payload(use_case: UseCase, given: Arguments, address: Address) -> bytes:
    codec = _codec(use_case)
    members = list(members_of(codec))
    plain: Plain = None if members or isinstance(codec, Null) else given.take(VALUE)
    if members:
        named = {m.name: given.take(m.name) for m in members if given.has(m.name)}
        _fill_in(named, {m.name for m in members}, use_case, address)
        plain = named
    value = from_plain(codec, plain)
    return asn1.encode(use_case.message_code, Cra.COMMAND, value)


def _fill_in(
    named: dict[str, Plain], members: set[str], use_case: UseCase, address: Address
) -> None:
    """Give members their value where the message itself says it."""
    if "counter" in members:
        named.setdefault("counter", address.originator_counter)
    control = named.get("control")
    if isinstance(control, dict):
        filled = {"authorising_counter": address.originator_counter, **control}
        if use_case.message_code in _REPLACEMENT_MODES:
            filled.setdefault("mode", int(_REPLACEMENT_MODES[use_case.message_code]))
        named["control"] = filled


def _usual_protection(use_case: UseCase, address: Address, keys: KeyStore) -> Protection | None:
    """Where MAC or signature may be chosen, the broker takes the MAC and others sign."""
    allowed = use_case.protections(Cra.COMMAND)
    if set(allowed) == {Protection.MAC, Protection.SIGNATURE}:
        by_broker = address.originator == keys.access_control_broker
        return Protection.MAC if by_broker else Protection.SIGNATURE
    return allowed[0] if allowed else None


def as_pre_command(message: Message, *, with_length: bool = False) -> Message:
    """The part a remote party signs; with the final 00 that some systems expect."""
    return replace(message, signature=b"" if with_length else None, mac=None)
