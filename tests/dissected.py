"""A capture as tshark reads it, which shares no code with the bench."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.capture_keys import wireshark_options


@dataclass(frozen=True)
class Dissected:
    """``keys`` are hexadecimal, the network key first."""

    tshark: str
    capture: Path
    keys: Sequence[str]

    def frames(self, display_filter: str, *options: str) -> list[str]:
        """The lines on the frames that a filter lets through."""
        command = [self.tshark, "-r", str(self.capture), *wireshark_options(self.keys)]
        shown = subprocess.run(
            [*command, "-Y", display_filter, *options], check=True, capture_output=True, text=True
        )
        return shown.stdout.splitlines()

    def fields(self, display_filter: str, *names: str) -> list[str]:
        """A line for each such frame: the values of fields, with tabs between."""
        columns = [option for name in names for option in ("-e", name)]
        return self.frames(display_filter, "-T", "fields", *columns)

    def defects(self) -> list[str]:
        """Frames that it finds malformed, or cannot decrypt."""
        return self.frames("_ws.malformed || zbee_sec.encrypted_payload")
