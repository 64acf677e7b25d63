"""Key Establishment 0x0800 and OTA Upgrade 0x0019: definitions."""

from __future__ import annotations

from typing import Final

from gbcs.zcl.types import DataType as T
from han.clusters.rows import attributes, commands
from han.zcl.tables import ClusterDefinition

_SUITE: Final = attributes((0x0000, "KeyEstablishmentSuite", T.ENUM16))

KEY_ESTABLISHMENT: Final = ClusterDefinition(
    0x0800,
    "KeyEstablishment",
    server_attributes=_SUITE,
    client_attributes=_SUITE,
    to_server=commands(
        (0x00, "InitiateKeyEstablishmentRequest", (0x00, 0x03)),
        (0x01, "EphemeralDataRequest", (0x01, 0x03)),
        (0x02, "ConfirmKeyDataRequest", (0x02, 0x03)),
        (0x03, "TerminateKeyEstablishment"),
    ),
    to_client=commands(
        (0x00, "InitiateKeyEstablishmentResponse"),
        (0x01, "EphemeralDataResponse"),
        (0x02, "ConfirmKeyDataResponse"),
        (0x03, "TerminateKeyEstablishment"),
    ),
)

OTA_UPGRADE: Final = ClusterDefinition(
    0x0019,
    "OTAUpgrade",
    client_attributes=attributes(
        (0x0000, "UpgradeServerID", T.EUI64),
        (0x0001, "FileOffset", T.UINT32),
        (0x0002, "CurrentFileVersion", T.UINT32),
        (0x0003, "CurrentZigBeeStackVersion", T.UINT16),
        (0x0004, "DownloadedFileVersion", T.UINT32),
        (0x0005, "DownloadedZigBeeStackVersion", T.UINT16),
        (0x0006, "ImageUpgradeStatus", T.ENUM8),
        (0x0007, "ManufacturerID", T.UINT16),
        (0x0008, "ImageTypeID", T.UINT16),
        (0x0009, "MinimumBlockPeriod", T.UINT16),
        (0x000A, "ImageStamp", T.UINT32),
    ),
    to_server=commands(
        (0x01, "QueryNextImageRequest", (0x02,)),
        (0x03, "ImageBlockRequest", (0x05,)),
        (0x04, "ImagePageRequest", (0x05,)),
        (0x06, "UpgradeEndRequest", (0x07,)),
        (0x08, "QueryDeviceSpecificFileRequest", (0x09,)),
    ),
    to_client=commands(
        (0x00, "ImageNotify"),
        (0x02, "QueryNextImageResponse"),
        (0x05, "ImageBlockResponse"),
        (0x07, "UpgradeEndResponse"),
        (0x09, "QueryDeviceSpecificFileResponse"),
    ),
)
