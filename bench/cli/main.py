"""The ``chub`` command: a group whose verbs are loaded when asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

from bench.cli.exit_codes import ExitCode
from bench.errors import innermost

VERBS: Final = {
    "demo": ("bench.cli.demo:demo", "Run a demonstration in virtual time and show its result."),
    "run": ("bench.cli.run:run", "Run the bench of a rig file until it is stopped."),
    "join": ("bench.cli.join:join", "Join a rig's meters and displays to somebody else's hub."),
    "send": ("bench.cli.send:send", "Send one use case to a device of a bench, show the answer."),
    "admit": ("bench.cli.device_log:admit", "Let a device join the hub of a running bench."),
    "expel": ("bench.cli.device_log:expel", "Take a device off the HAN of a running bench."),
    "devices": ("bench.cli.device_log:devices", "List the devices of a running bench's hub."),
    "show": ("bench.cli.show:show", "Show what a display of a bench shows."),
    "press": ("bench.cli.press:press", "Press a button of a running bench's display."),
    "plot": ("bench.cli.plot:plot", "Draw the voltage and load that a meter has measured."),
    "rtds": ("bench.cli.rtds:rtds", "Check against a directory of reference messages."),
    "vncp": ("bench.cli.vncp:vncp", "Serve a virtual EZSP dongle to any EZSP host."),
    "radios": ("bench.cli.dongles:radios", "List serial ports and what each probably is."),
    "doctor": ("bench.cli.dongles:doctor", "Find what stops a bench from starting."),
    "scan": ("bench.cli.dongles:scan", "Show how loud each channel is, and who is there."),
    "sniff": ("bench.cli.sniff:sniff", "Record a channel through a spare dongle."),
    "flash": ("hw.flash_commands:main", "Look at, back up and flash EZSP dongles."),
    "settings": ("bench.cli.settings:settings", "List the named settings and their defaults."),
    "decode": ("bench.cli.language_read:decode", "Show what GBCS messages say, field by field."),
    "build": ("bench.cli.language_make:build", "Build the command of a use case."),
    "sign": ("bench.cli.language_make:sign", "Sign and MAC pre-commands."),
    "verify": ("bench.cli.language_read:verify", "Check MAC and signature of messages."),
    "usecases": ("bench.cli.language_make:usecases", "List use cases, or the parameters of one."),
    "firmware": ("bench.cli.firmware:firmware", "Make and inspect firmware images."),
    "pki": ("bench.cli.pki:pki", "Make and inspect test keys."),
}
"""Verb to (where it lives, its line in ``chub --help``)."""


EXTRAS: Final = {
    "aiomqtt": "mqtt",
    "matplotlib": "plot",
    "pyarrow": "parquet",
}
"""Optional package to the extra that installs it."""


class LazyGroup(click.Group):
    """A group that imports a verb's module only when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb."""
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 a check failed, 2 usage, 3 a key is missing, 4 no radio, "
    "10 invalid input.",
)
@click.version_option(package_name="chub-bench", prog_name="chub")
def group() -> None:
    """Bench for GB smart metering: an emulated Home Area Network that speaks GBCS."""


def main() -> None:
    """Run the command line; errors of the product become one line and an exit code."""
    try:
        group(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as raised:
        cause = named(innermost(raised))
        code = exit_code_of(cause)
        if code is None:
            raise
        click.echo(f"chub: {cause}", err=True)
        sys.exit(code)


def named(error: Exception) -> Exception:
    """A missing optional package as the error it is to a user."""
    from bench.rig_section import RigError

    if not isinstance(error, ModuleNotFoundError):
        return error
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return error
    return RigError(f"{package} is not installed: pip install 'chub-bench[{EXTRAS[package]}]'")


def exit_code_of(error: Exception) -> ExitCode | None:
    """The exit code of an error that the product names; None for a defect of ours."""
    from bench.address import WanError
    from bench.rig_section import RigError
    from gbcs.errors import GbcsError, MissingKey
    from han.radio import RadioError

    if isinstance(error, MissingKey):
        return ExitCode.NO_KEY
    if isinstance(error, RadioError):
        return ExitCode.NO_RADIO
    if isinstance(error, WanError):
        return ExitCode.CHECK_FAILED
    if isinstance(error, GbcsError | RigError):
        return ExitCode.INVALID_INPUT
    return None
