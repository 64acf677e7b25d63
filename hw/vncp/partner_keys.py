"""EZSP commands and callbacks on link keys that the trust centre hands to two devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from han.radio import PartnerKeyAsked, PartnerKeySet, RadioError, Role
from hw.ezsp_layout import Fields
from hw.ezsp_status import Status
from hw.vncp import keys
from hw.vncp.ezsp import Command

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

APPLICATION_KEY_POLICY: Final = 0x06
ALLOW_APPLICATION_KEY_REQUESTS: Final = 0x61
NOBODY: Final = 0  # the partner of what failed

# EmberKeyStatus
ESTABLISHED: Final = 1
TIMEOUT: Final = 4
KEY_TABLE_FULL: Final = 5
SENT_TO_REQUESTER: Final = 7
REQUEST_REJECTED: Final = 17


def allowed(ncp: VirtualNcp) -> bool:
    """Whether the policy lets this trust centre hand out keys; it knows no single devices."""
    return ncp.ram.policies[APPLICATION_KEY_POLICY] == ALLOW_APPLICATION_KEY_REQUESTS


def request_link_key(ncp: VirtualNcp, command: Command) -> Fields:
    """Ask the trust centre for a key with a partner; zigbeeKeyEstablishmentHandler follows."""
    partner, stack = command.number("eui64"), ncp.stack
    if not stack.on_network or stack.role is Role.COORDINATOR:
        return {"status": Status.INVALID_CALL}
    if keys.place_of(ncp, partner) is None:
        return {"status": Status.TABLE_FULL}

    async def ask() -> None:
        try:
            came = await stack.keys.ask(partner)
        except RadioError:
            came = False
        if not came:
            _established(ncp, NOBODY, TIMEOUT)

    ncp.run(ask(), "request link key")
    return {"status": Status.OK}


def received(ncp: VirtualNcp, event: PartnerKeySet) -> None:
    """A key came: it lives in the key table, or nowhere."""
    if keys.store(ncp, keys.NO_INDEX, event.partner, _key(ncp, event.partner)) is Status.OK:
        _established(ncp, event.partner, ESTABLISHED)
    else:
        ncp.stack.forget_link_key(event.partner)
        _established(ncp, NOBODY, KEY_TABLE_FULL)


def asked(ncp: VirtualNcp, event: PartnerKeyAsked) -> None:
    """The trust centre was asked."""
    _established(ncp, event.eui64, SENT_TO_REQUESTER if event.granted else REQUEST_REJECTED)


def _key(ncp: VirtualNcp, partner: int) -> bytes:
    return ncp.stack.state.link_keys[partner].key


def _established(ncp: VirtualNcp, partner: int, status: int) -> None:
    ncp.callback("zigbeeKeyEstablishmentHandler", {"eui64": partner, "status": status})


HANDLERS: Final[Mapping[str, Callable[[VirtualNcp, Command], Fields]]] = {
    "requestLinkKey": request_link_key,
}
