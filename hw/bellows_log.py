"""Keys do not belong in logs: what bellows writes about commands that carry them is cut."""

from __future__ import annotations

import logging
from typing import Final

SECRET_COMMANDS: Final = frozenset(
    (
        "setInitialSecurityState", "importTransientKey", "addTransientLinkKey", "importLinkKey",
        "setKeyTableEntry", "addOrUpdateKeyTableEntry", "importKey", "exportKey", "getKey",
        "getKeyTableEntry", "exportLinkKeyByIndex", "exportLinkKeyByEui",
        "exportTransientKeyByIndex", "exportTransientKeyByEui", "getTransientKeyTableEntry",
        "getTokenData", "setTokenData", "getMfgToken", "setMfgToken", "unicastNwkKeyUpdate",
        "broadcastNextNetworkKey",
    )
)  # fmt: skip
_COMMAND_LOG: Final = "bellows.ezsp.protocol"
_OCTET_LOGS: Final = ("bellows.ash", "bellows.uart")
CUT: Final = "(cut: carries a key)"


class _CutSecrets(logging.Filter):
    """The name of a secret command stays, what it carries does not."""

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args
        if isinstance(arguments, tuple) and arguments and arguments[0] in SECRET_COMMANDS:
            record.msg, record.args, record.exc_info = "%s %s", (arguments[0], CUT), None
        return True


class _NoOctets(logging.Filter):
    """Raw frames may hold keys, and nobody can tell which: below INFO nothing passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_CUT_SECRETS: Final = _CutSecrets()
_NO_OCTETS: Final = _NoOctets()


def hide_secrets() -> None:
    """Install the filters; again does no harm."""
    logging.getLogger(_COMMAND_LOG).addFilter(_CUT_SECRETS)
    for name in _OCTET_LOGS:
        logging.getLogger(name).addFilter(_NO_OCTETS)
