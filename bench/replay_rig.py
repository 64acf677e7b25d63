"""The home in which a recorded command is replayed: recorded identities, virtual time, no more."""

from __future__ import annotations

from bench.replay_pair import CHF, GPF, Pair
from bench.rig import Rig
from gbcs.keys import KeyStore


def rig_for(pair: Pair, keys: KeyStore, **sections: object) -> Rig:
    """A hub with the recorded identities, and the sections of the rig that are given besides."""
    return Rig.model_validate(
        {
            "name": f"replay {pair.name}",
            "time": "jump",
            "pairs": "commands",
            "parties": {"access_control_broker": keys.access_control_broker},
            "hub": {"radio": "ether:", "gpf": pair.family | GPF, "chf": pair.family | CHF},
            "gas_meter": None,
            **sections,
        }
    )
