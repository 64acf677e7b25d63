"""``chub firmware``: make GB firmware images, and look at them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.language_options import GENERATION, KEYS, required_keys
from bench.cli.options import EUI64, examples, print_json

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class HexType(click.ParamType[int]):
    """A number in hex digits."""

    name = "hex"

    def __init__(self, octets: int) -> None:
        self._octets = octets

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read it; the message names what is wrong."""
        if isinstance(value, int):
            return value
        try:
            number = int(value, 16)
        except ValueError:
            self.fail(f"{value!r} is no hexadecimal number", param, ctx)
        if not 0 <= number < 1 << 8 * self._octets:
            self.fail(f"{value!r} has more than {self._octets} octets", param, ctx)
        return number


@click.group()
def firmware() -> None:
    """Make and inspect firmware images (GB OTA files)."""


@firmware.command(
    epilog=examples(
        "chub firmware make body.bin --signer 90B3D51F30010000 --keys keystore \\",
        "    --image-type 1 --version 0123ABCE --out esme.ota",
    )
)
@click.argument("image", type=FILE)
@click.option("--signer", type=EUI64, required=True, help="Whose private key signs the image.")
@click.option("--manufacturer", type=HexType(2), default="4348", show_default=True)
@click.option(
    "--image-type",
    type=HexType(2),
    required=True,
    help="Emulated: 1 ESME, 2 GSME, 3 PPMID, 4 HCALCS.",
)
@click.option("--version", type=HexType(4), required=True, help="OTA file version, eight digits.")
@click.option("--hardware", type=(HexType(2), HexType(2)), default=("0", "FFFF"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@KEYS
@GENERATION
def make(
    image: Path,
    signer: int,
    manufacturer: int,
    image_type: int,
    version: int,
    hardware: tuple[int, int],
    out: Path,
    keys_path: Path | None,
    generation: str | None,
) -> None:
    """Wrap IMAGE (what the manufacturer builds) as the hub distributes it, signed."""
    from gbcs.crypto import sign
    from gbcs.keys import Usage
    from han.ota.image import GbImage, ImageKey

    body = image.read_bytes()
    key = required_keys(keys_path, generation).private_key(signer, Usage.DIGITAL_SIGNATURE)
    made = GbImage.build(
        ImageKey(manufacturer, image_type), version, body, sign(key, body), hardware
    )
    out.write_bytes(made.to_bytes())
    click.echo(f"{out}: {made.header.image_octets} octets", err=True)
    click.echo(made.hash.hex().upper())


@firmware.command()
@click.argument("file", type=FILE)
@click.option("--signer", type=EUI64, help="Check the signature with this party's certificate.")
@KEYS
@GENERATION
@click.option("--json", "as_json", is_flag=True, help="Print the fields for machines.")
def show(
    file: Path, signer: int | None, keys_path: Path | None, generation: str | None, *, as_json: bool
) -> None:
    """Say what an image is for, which version, and the hash that CS06 quotes."""
    from gbcs.crypto import signature_is_valid
    from gbcs.keys import Usage
    from han.ota.image import GbImage

    image = GbImage.parse(file.read_bytes())
    header, hardware = image.header, image.header.hardware
    fields: dict[str, object] = {
        "manufacturer": f"{header.key.manufacturer:04X}",
        "image_type": f"{header.key.image_type:04X}",
        "version": f"{header.file_version:08X}",
        "hardware": None if hardware is None else [f"{one:04X}" for one in hardware],
        "octets": header.image_octets,
        "hash": image.hash.hex().upper(),
    }
    valid = None
    if signer is not None:
        store = required_keys(keys_path, generation)
        public = store.public_key(signer, Usage.DIGITAL_SIGNATURE)
        valid = signature_is_valid(public, image.signature, image.manufacturer_image)
        fields["signature"] = "valid" if valid else "invalid"
    if as_json:
        print_json(fields)
    else:
        for name, value in fields.items():
            click.echo(f"{name:14}{value}")
    sys.exit(ExitCode.CHECK_FAILED if valid is False else ExitCode.OK)
