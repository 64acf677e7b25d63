"""The valve: closed and armed from afar, opened by the customer once the flow is controlled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gsme import codes
from gsme.model import GasMeterModel
from han.commands.metering import SupplyStatus

_DM3_PER_M3: Final = 1000


class Valve:
    """One meter's valve; ``tell`` takes the codes of what happens."""

    def __init__(self, model: GasMeterModel, tell: Callable[[Iterable[int]], object]) -> None:
        self._model, self._tell = model, tell

    @property
    def is_open(self) -> bool:
        """Whether gas can flow."""
        return self._model.configuration.supply_status == SupplyStatus.ON

    def close(self) -> None:
        """Close it; the customer cannot open it again until it is armed."""
        self._model.configuration.supply_status = SupplyStatus.OFF

    def arm(self) -> None:
        """Let the customer open it, unless it is open."""
        if not self.is_open:
            self._model.configuration.supply_status = SupplyStatus.ARMED

    def press(self) -> bool:
        """The customer presses the button: open it if it is armed and nothing leaks.

        Flow above the threshold during the measurement closes it again; it stays armed.
        """
        configuration = self._model.configuration
        if configuration.supply_status != SupplyStatus.ARMED:
            return False
        if self._flows_uncontrolled():
            self._tell((codes.UNCONTROLLED_FLOW,))
            return False
        configuration.supply_status = SupplyStatus.ON
        return True

    def _flows_uncontrolled(self) -> bool:
        """Whether the flow is above the threshold (scaled m3 per hour).

        A threshold of zero checks nothing.
        """
        configuration = self._model.configuration
        if not configuration.flow_threshold:
            return False
        allowed = configuration.flow_threshold * configuration.flow_multiplier * _DM3_PER_M3
        return self._model.flow_dm3_per_h * max(configuration.flow_divisor, 1) > allowed
