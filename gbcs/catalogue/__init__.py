"""The use-case catalogue: what every message code means, who may send it, what it contains.

The rows are data beside this module: ``use_cases.json`` (one line per use case), ``gbz.json``
(components in order), ``dlms.json`` (items in order), ``clusters.json`` (cluster attributes and
command parameters), ``alerts.json`` (alert and event codes). They are read when first needed.
"""

from gbcs.catalogue.alerts import alert_name
from gbcs.catalogue.clusters import AttributeSpec, CommandSpec, ParameterSpec, attribute, command
from gbcs.catalogue.dlms import ItemSpec, Operation, dlms_items
from gbcs.catalogue.gbz import ComponentSpec, gbz_components
from gbcs.catalogue.use_case import (
    Category,
    Protection,
    Technology,
    UseCase,
    all_use_cases,
    by_code,
    by_name,
)

__all__ = [
    "AttributeSpec",
    "Category",
    "CommandSpec",
    "ComponentSpec",
    "ItemSpec",
    "Operation",
    "ParameterSpec",
    "Protection",
    "Technology",
    "UseCase",
    "alert_name",
    "all_use_cases",
    "attribute",
    "by_code",
    "by_name",
    "command",
    "dlms_items",
    "gbz_components",
]
