"""Parts of a device that a test makes fail, so that its named errors can be seen."""

from __future__ import annotations

from enum import Enum


class Part(Enum):
    """What can be broken. A device with a broken part answers as GBCS has it for that failure."""

    ANCHOR_MEMORY = "trust anchor cells cannot be read"
    ANCHOR_STORAGE = "trust anchor cells cannot be written"
    KEY_GENERATOR = "no key pair can be made"
    CERTIFICATION_REQUEST = "no certification request can be made"
    CERTIFICATE_STORAGE = "a certificate cannot be stored"
    CERTIFICATE_MEMORY = "the device's own certificates cannot be read"
    KEY_STORAGE = "a private key cannot be put into use"
    DEVICE_LOG_STORAGE = "the device log cannot be written"
    DEVICE_LOG_MEMORY = "the device log cannot be read"
    FIRMWARE_ACTIVATION = "an image cannot be started"
    FIRMWARE_MEMORY = "the firmware version cannot be read"
