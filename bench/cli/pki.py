"""``chub pki``: keys and certificates to test with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.options import EUI64

if TYPE_CHECKING:
    from gbcs.pki import Holder

ISSUING: Final = "test-issuing"
ROLES: Final = (
    "supplier",
    "network-operator",
    "access-control-broker",
    "recovery",
    "transitional-cos",
    "wan-provider",
    "load-controller",
)


@click.group()
def pki() -> None:
    """Make and inspect test keys."""


@pki.command("new")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--supplier", type=EUI64, default="90B3D51F30010000", show_default=True)
@click.option("--network-operator", type=EUI64, default="90B3D51F30020000", show_default=True)
@click.option("--broker", type=EUI64, default="90B3D51F30000002", show_default=True)
@click.option("--recovery", type=EUI64, default="90B3D51F30000001", show_default=True)
@click.option("--transitional-cos", type=EUI64, default="90B3D51F30000004", show_default=True)
@click.option("--wan-provider", type=EUI64, default="90B3D51F30000007", show_default=True)
@click.option("--load-controller", type=EUI64, default="90B3D51F30010008", show_default=True)
@click.option("--device", "devices", type=EUI64, multiple=True, help="A device; repeat for more.")
def new(
    directory: Path,
    supplier: int,
    network_operator: int,
    broker: int,
    recovery: int,
    transitional_cos: int,
    wan_provider: int,
    load_controller: int,
    devices: tuple[int, ...],
) -> None:
    """Make a test PKI in DIRECTORY: root, issuing authority, organisations, devices.

    Files are named as in RTDS, so the directory is a key store. Private keys are not encrypted.
    What a rig file has to say of keys and parties is printed: chub pki new KEYS >> rig.toml.
    """
    import json
    import os

    from gbcs.party import Role
    from gbcs.pki import make_test_pki

    organisations = {
        Role.SUPPLIER: supplier,
        Role.NETWORK_OPERATOR: network_operator,
        Role.ACCESS_CONTROL_BROKER: broker,
        Role.RECOVERY: recovery,
        Role.TRANSITIONAL_COS: transitional_cos,
        Role.WAN_PROVIDER: wan_provider,
        Role.LOAD_CONTROLLER: load_controller,
    }
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise click.UsageError(f"{directory} is not empty")
    made = make_test_pki(organisations, devices, datetime.now(UTC), os.urandom)
    for holder in (made.root, made.issuing, *made.holders.values()):
        _write(holder, directory)
    click.echo(f"{len(made.holders) + 2} certificates and keys in {directory}", err=True)
    place = json.dumps(str(directory.resolve()), ensure_ascii=False)  # TOML quotes as JSON does
    click.echo(f"[keys]\ndirectory = {place}\n[parties]")
    for role, entity in organisations.items():
        click.echo(f'{role.name.lower()} = "{entity:016X}"')


@pki.command("cbke")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--device",
    "devices",
    type=EUI64,
    multiple=True,
    required=True,
    help="A device, or the hub's HAN address (its GPF); repeat for more.",
)
@click.option("--suite", type=click.Choice(["1", "2", "both"]), default="both", show_default=True)
def cbke(directory: Path, devices: tuple[int, ...], suite: str) -> None:
    """Issue certificates that devices join a HAN with (key establishment, suites 1 and 2).

    DIRECTORY holds the authority, which is made when there is none, and one file for each device
    and suite: name it in the rig as keys.cbke_directory. Private keys are not encrypted.
    """
    import os

    from bench.cbke import issue_into
    from bench.rig import RigError
    from han.cbke.certificate import Suite

    suites = Suite(3) if suite == "both" else Suite(int(suite))
    try:
        written = issue_into(directory, devices, suites, os.urandom)
    except RigError as error:
        raise click.UsageError(str(error)) from error
    click.echo("\n".join(map(str, written)))


@pki.command("issue")
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--entity", type=EUI64, required=True, help="Whose certificates these are.")
@click.option("--role", type=click.Choice(ROLES), required=True, help="The role they state.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
def issue(directory: Path, entity: int, role: str, out: Path) -> None:
    """Make new keys and certificates of a remote party in OUT, by the authority of DIRECTORY.

    CS02b puts them into a device's trust anchor cells, with DIRECTORY/test-issuing.pem as path.
    """
    import os

    from gbcs.party import Role
    from gbcs.pki import Maker, organisation_usages

    issuing, kind = _issuing(directory), Role[role.upper().replace("-", "_")]
    maker = Maker(datetime.now(UTC), os.urandom)
    out.mkdir(parents=True, exist_ok=True)
    holders = [maker.organisation(entity, u, kind, issuing) for u in organisation_usages(kind)]
    for holder in holders:
        _write(holder, out)
        click.echo(out / f"{holder.name}.pem")


@pki.command("certify")
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("request", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def certify(directory: Path, request: Path, out: Path) -> None:
    """Certify a device's REQUEST (PKCS#10 in DER, from CS02c): the certificate for CS02d."""
    import os

    from gbcs.pki import Maker

    maker = Maker(datetime.now(UTC), os.urandom)
    out.write_bytes(maker.certify(request.read_bytes(), _issuing(directory)))


def _write(holder: Holder, directory: Path) -> None:
    (directory / f"{holder.name}.pem").write_bytes(holder.certificate_pem())
    key = directory / f"{holder.name}.key"
    key.touch(mode=0o600)
    key.write_bytes(holder.key_pem())


def _issuing(directory: Path) -> Holder:
    """The issuing authority of a directory that ``chub pki new`` made."""
    from gbcs.errors import NoKeys
    from gbcs.pki import read_holder

    certificate, key = directory / f"{ISSUING}.pem", directory / f"{ISSUING}.key"
    if not certificate.is_file() or not key.is_file():
        raise NoKeys(f"no issuing authority ({ISSUING}.pem and .key) in {directory}")
    return read_holder(ISSUING, certificate.read_bytes(), key.read_bytes())
