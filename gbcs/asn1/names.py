"""Named values of the ASN.1 structures; values without a name stay plain integers."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class KeyUse(IntFlag):
    """X.509 key usage of a trust anchor cell or certificate, first bit highest."""

    DIGITAL_SIGNATURE = 0x80
    KEY_AGREEMENT = 0x08
    KEY_CERT_SIGN = 0x04
    CRL_SIGN = 0x02


class CellUse(IntEnum):
    """What a trust anchor cell serves."""

    MANAGEMENT = 0
    PREPAYMENT_TOP_UP = 1


class Kind(IntEnum):
    """Device type as the ASN.1 structures number it (CCS01 numbers differently)."""

    GSME = 0
    ESME = 1
    CHF = 2
    GPF = 3
    HCALCS = 4
    PPMID = 5
    TYPE2 = 6


class TampStatus(IntEnum):
    """Outcome for one trust anchor cell (RFC 5934 numbering)."""

    SUCCESS = 0
    BAD_CERTIFICATE = 5
    NO_TRUST_ANCHOR = 10
    INSUFFICIENT_MEMORY = 17
    CONTINGENCY_PUBLIC_KEY_DECRYPT = 22
    TRUST_ANCHOR_NOT_FOUND = 25
    RESOURCES_BUSY = 30
    OTHER = 127


class ReplacementMode(IntEnum):
    """Whose credentials are replaced by whom."""

    ROOT_BY_SUPPLIER = 0
    ROOT_BY_WAN_PROVIDER = 1
    SUPPLIER_BY_SUPPLIER = 2
    NETWORK_OPERATOR_BY_NETWORK_OPERATOR = 3
    ACCESS_CONTROL_BROKER_BY_ACB = 4
    WAN_PROVIDER_BY_WAN_PROVIDER = 5
    TRANS_COS_BY_TRANS_COS = 6
    SUPPLIER_BY_TRANS_COS = 7
    ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY = 8
    ANY_BY_CONTINGENCY = 9
    LOAD_CONTROLLER_BY_LOAD_CONTROLLER = 10
    LOAD_CONTROLLER_BY_SUPPLIER = 11


class TimeChecks(IntEnum):
    """Whether certificate validity dates are checked."""

    APPLY = 0
    DISAPPLY = 1


class JoinRole(IntEnum):
    """Join method, and the part the addressed device takes in it."""

    METHOD_A_INITIATOR = 0
    METHOD_A_RESPONDER = 1
    METHOD_B = 2
    METHOD_C = 3


class JoinCode(IntEnum):
    """Outcome of a join."""

    SUCCESS = 0
    INVALID_MESSAGE_CODE_FOR_METHOD_AND_ROLE = 1
    INVALID_METHOD_AND_ROLE = 2
    INCOMPATIBLE_WITH_EXISTING_ENTRY = 3
    DEVICE_LOG_FULL = 4
    WRITE_FAILURE = 5
    KEY_AGREEMENT_NO_RESOURCES = 6
    KEY_AGREEMENT_UNKNOWN_ISSUER = 7
    KEY_AGREEMENT_UNSUPPORTED_SUITE = 8
    KEY_AGREEMENT_BAD_MESSAGE = 9
    KEY_AGREEMENT_BAD_KEY_CONFIRM = 10
    INVALID_OR_MISSING_CERTIFICATE = 11
    NO_PARTNER_LINK_KEY_RECEIVED = 12
    NO_CBKE_RESPONSE = 13


class UnjoinCode(IntEnum):
    """Outcome of an unjoin."""

    SUCCESS = 0
    NOT_IN_DEVICE_LOG = 1
    OTHER_FAILURE = 2


class RequestFailure(IntEnum):
    """Why no certification request was produced (CS02c)."""

    INVALID_KEY_USAGE = 1
    KEY_PAIR_GENERATION_FAILED = 2
    REQUEST_PRODUCTION_FAILED = 3


class StoreCode(IntEnum):
    """Outcome of storing a device certificate (CS02d)."""

    SUCCESS = 0
    INVALID_CERTIFICATE = 1
    WRONG_DEVICE_IDENTITY = 2
    INVALID_KEY_USAGE = 3
    NO_CORRESPONDING_KEY_PAIR_GENERATED = 4
    WRONG_PUBLIC_KEY = 5
    CERTIFICATE_STORAGE_FAILED = 6
    PRIVATE_KEY_CHANGE_FAILED = 7


class RetrievalFailure(IntEnum):
    """Why no device certificate was returned (CS02e)."""

    INVALID_KEY_USAGE = 1
    NO_CERTIFICATE_HELD = 2
    CERTIFICATE_RETRIEVAL_FAILURE = 3


class ActivationCode(IntEnum):
    """Outcome of a firmware activation (CS06)."""

    SUCCESS = 0
    NO_IMAGE_HELD = 1
    HASH_MISMATCH = 2
    ACTIVATION_FAILURE = 3


class ReadCode(IntEnum):
    """Outcome of a read (CS07, CS08, CS09)."""

    SUCCESS = 0
    READ_FAILURE = 1


class TransferCode(IntEnum):
    """Outcome of a firmware transfer on the HAN (CCS08)."""

    SUCCESS = 0
    IMAGE_DISCARDED = 1
    HARDWARE_VERSION_MISMATCH = 2
    FILE_TRANSFER_FAILURE = 3


class TimeStatus(IntEnum):
    """How far the gas meter's time can be trusted (GCS28)."""

    RELIABLE = 0
    INVALID = 1
    UNRELIABLE = 2
