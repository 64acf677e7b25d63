"""Taking the place of an earlier hub: its network, and its devices with the hashes of their keys.

CCS03 brings the backup of the old hub's device log. The network is formed anew under the extended
PAN identifier that the devices look for; each may come back at any time, by an unsecured rejoin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chub.device_log import DeviceLog
from chub.joining import Joining
from chub.model import HubModel
from chub.settings import ChfSettings
from device.host import Host
from han.radio import HanRadio, NetworkUp, RadioEvent

FormNetwork = Callable[[HanRadio, int], Awaitable[object]]
"""Forms the hub's network under an extended PAN identifier."""


class Succession:
    """Puts a backup into effect, and goes on with it after a restart.

    ``form_network`` is set by whoever knows the rest of the network's parameters.
    """

    def __init__(
        self, device_log: DeviceLog, joining: Joining, model: HubModel, settings: ChfSettings
    ) -> None:
        self._device_log, self._joining = device_log, joining
        self._model, self._settings = model, settings
        self.form_network: FormNetwork | None = None
        model.restored = self._restored

    def attach(self, host: Host) -> None:
        """Work on this node."""
        host.on_radio_event(self._radio_event)

    def _restored(self, extended_pan_id: int) -> None:
        form = self.form_network
        if form is not None and self._model.must_form:
            self._joining.form_anew(lambda radio: form(radio, extended_pan_id))
        self._await_devices()

    def _radio_event(self, event: RadioEvent) -> None:
        if isinstance(event, NetworkUp):
            self._await_devices()

    def _await_devices(self) -> None:
        for entry in self._device_log.entries():
            if entry.awaited:
                self._joining.rejoin(entry, self._settings.join_timeout_s)
