"""What can be wrong with a frame from the air."""

from __future__ import annotations


class MalformedFrame(ValueError):
    """The octets are no frame of the layer that reads them; ``offset`` is where reading stopped."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} at octet {offset}")
        self.reason = reason
        self.offset = offset


class NotAuthentic(ValueError):
    """The message integrity code does not belong to these octets under this key."""
