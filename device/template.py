"""Whether a GBZ payload is what its use case prescribes."""

from __future__ import annotations

from device.refusal import Refusal, RefusedError
from gbcs.catalogue import ComponentSpec, UseCase, gbz_components
from gbcs.envelope import Cra
from gbcs.gbz import Component, Gbz
from gbcs.zcl.general import GeneralCommand, ReadAttributes


def check_template(use_case: UseCase, gbz: Gbz, *, exact_attributes: bool = True) -> None:
    """Refuse (TEMPLATE) components that are missing, superfluous, in another order or other ones.

    With ``exact_attributes`` a read asks for the attributes of the catalogue, in its order.
    """
    specs = gbz_components(use_case.name, Cra.COMMAND)
    if not specs:
        raise RefusedError(Refusal.TEMPLATE, f"the structure of {use_case.name} is not known")
    at = first_misfit(specs, gbz.components, exact_attributes=exact_attributes)
    if at is None:
        return
    if at == len(gbz.components):
        raise RefusedError(Refusal.TEMPLATE, f"{use_case.name}: components are missing")
    found = _describe(gbz.components[at])
    raise RefusedError(Refusal.TEMPLATE, f"{use_case.name}: component {at} {found}")


def first_misfit(
    specs: tuple[ComponentSpec, ...],
    components: tuple[Component, ...],
    *,
    exact_attributes: bool = True,
) -> int | None:
    """Index of the first component that is out of place, None when all are as prescribed.

    The number of components stands for components that are missing at the end.
    """
    reached = {(0, 0)}
    for index, component in enumerate(components):
        fitting = [_fits(spec, component, exact_attributes) for spec in specs]
        reached = _advance(specs, reached, fitting)
        if not reached:
            return index
    if any(_complete(specs, position) for position in reached):
        return None
    return len(components)


_Position = tuple[int, int]
"""A place in the list of specs, and how many components of it were met."""


def _advance(
    specs: tuple[ComponentSpec, ...], reached: set[_Position], fitting: list[bool]
) -> set[_Position]:
    """Every position one component further, from every position it may have been met at."""
    onward: set[_Position] = set()
    for index, met in reached:
        while True:
            if fitting[index] and met < specs[index].most:
                onward.add((index, met + 1))
            if met < specs[index].least or index + 1 == len(specs):
                break
            index, met = index + 1, 0
    return onward


def _complete(specs: tuple[ComponentSpec, ...], position: _Position) -> bool:
    index, met = position
    return met >= specs[index].least and all(spec.least == 0 for spec in specs[index + 1 :])


def _fits(spec: ComponentSpec, component: Component, exact_attributes: bool) -> bool:
    frame = component.frame
    return (
        component.cluster_id == spec.cluster_id
        and frame.command_id == spec.command_id
        and frame.frame_control == spec.frame_control
        and component.encrypted == spec.encrypted
        and (component.from_date_time is not None) == spec.from_date_time
        and (not exact_attributes or _asks(spec, component))
    )


def _asks(spec: ComponentSpec, component: Component) -> bool:
    if spec.is_cluster_command or spec.command_id != GeneralCommand.READ_ATTRIBUTES:
        return True
    return component.frame.payload == ReadAttributes(spec.attributes).to_bytes()


def _describe(component: Component) -> str:
    frame = component.frame
    return (
        f"(cluster {component.cluster_id:04X}, command {frame.command_id:02X}, frame control "
        f"{frame.frame_control:02X}) is not what the use case prescribes here"
    )
