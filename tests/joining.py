"""What devices of tests join with: certificates of the authority of the built-in home."""

from __future__ import annotations

from random import Random

from bench.cbke import certified_from_seed
from bench.rig import Rig
from device.joining import JoinCredentials
from han.cbke.certificate import Suite

SEED = Rig().keys.seed


def credentials(
    eui64: int,
    link_key: bytes,
    *,
    suites: Suite = Suite.SUITE_2,
    seed: str = SEED,
    random: int = 1,
) -> JoinCredentials:
    """Credentials of a device of the built-in home; another ``seed`` is another authority."""
    certified = tuple(certified_from_seed(seed, eui64, suite) for suite in suites)
    return JoinCredentials(link_key, certified, Random(random + eui64).randbytes)
