"""Firmware: the version that runs, the image that waits, and its activation by CS06.

Activation changes the running version and nothing else: metrology, clock, counters and logs go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from device.faults import Part
from device.store import Store, StoreError
from gbcs.asn1.devices import ActivationOutcome, RunningFirmware
from gbcs.asn1.names import ActivationCode, ReadCode

VERSION_CHANGED: Final = 0x8F43
"""The executing firmware version changed."""
FACTORY_VERSION: Final = bytes.fromhex("01000000")
"""OTA file version of an emulated device as it was made, if nothing else is said."""
_KEY: Final = "firmware"
_UNREADABLE: Final = bytes(4)


@dataclass(frozen=True, slots=True)
class FirmwareState:
    """``running`` is empty until an image was activated; ``image`` and its hash wait."""

    running: bytes = b""
    image: bytes = b""
    image_hash: bytes = b""


class Firmware:
    """The firmware of one device; ``factory`` is the version it was made with.

    ``activated`` is called, inside the unit, when another version was started.
    """

    def __init__(
        self,
        store: Store,
        factory: Callable[[], bytes] = lambda: FACTORY_VERSION,
        broken: set[Part] | None = None,
    ) -> None:
        self._store = store
        self._factory = factory
        self._broken = set() if broken is None else broken
        self.activated: Callable[[], object] = lambda: None
        with store.transaction() as unit:
            held = unit.get_json(_KEY)
        self.state = FirmwareState()
        if isinstance(held, list) and len(held) == 3:
            self.state = FirmwareState(*(bytes.fromhex(str(each)) for each in held))
        elif held is not None:
            raise StoreError("what is kept of the firmware is no version and image")

    @property
    def running(self) -> bytes:
        """Version that runs: four octets."""
        return self.state.running or self._factory()

    def read(self) -> RunningFirmware:
        """The running version as CS08 returns it."""
        if Part.FIRMWARE_MEMORY in self._broken:
            return RunningFirmware(_UNREADABLE, ReadCode.READ_FAILURE)
        return RunningFirmware(self.running, ReadCode.SUCCESS)

    def hold(self, version: bytes, image_hash: bytes) -> None:
        """Keep an image that was received and verified, in place of an earlier one."""
        self._set(replace(self.state, image=version, image_hash=image_hash))

    def run(self, version: bytes) -> None:
        """Let a version run, however it came there."""
        self._set(replace(self.state, running=version))

    def activate(self, image_hash: bytes) -> ActivationOutcome:
        """Start the image that waits, if it is the one with this hash."""
        state = self.state
        if not state.image:
            return ActivationOutcome(ActivationCode.NO_IMAGE_HELD, self.running)
        if state.image_hash != image_hash:
            return ActivationOutcome(ActivationCode.HASH_MISMATCH, self.running)
        if Part.FIRMWARE_ACTIVATION in self._broken:
            return ActivationOutcome(ActivationCode.ACTIVATION_FAILURE, self.running)
        self._set(FirmwareState(running=state.image))
        self.activated()
        return ActivationOutcome(ActivationCode.SUCCESS, self.running)

    def _set(self, state: FirmwareState) -> None:
        """Change what is kept, as part of the open unit if there is one."""
        before = self.state
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._restore(before))
            held = (state.running, state.image, state.image_hash)
            unit.put_json(_KEY, [each.hex() for each in held])
        self.state = state

    def _restore(self, state: FirmwareState) -> None:
        self.state = state
