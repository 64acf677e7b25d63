"""Commands from the catalogue: parameters in, the message a remote party would send out."""

from gbcs.build.command import Address, address_of, arguments_of, as_pre_command, build, parameters
from gbcs.build.parameter import ParameterInfo

__all__ = [
    "Address",
    "ParameterInfo",
    "address_of",
    "arguments_of",
    "as_pre_command",
    "build",
    "parameters",
]
