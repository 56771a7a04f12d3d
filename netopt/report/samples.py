"""Samples know how a component looks in a run file, as a mapping that builds."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect as kinds

from netopt.registry import Component
from netopt.report.options import options


def example(cls: type[Component]) -> dict[str, Any]:
    """Return the part of a run file that uses a component, all of its options said.

    An option without a default has a value that fits its type and a graph of two agents.
    """
    spec = mapping(cls)
    if cls.kind == "codec":
        return {"codecs": {"mix": spec}}
    if cls.kind == "schedule":
        return {"algorithm": {"id": "qgd", "schedule": spec}}
    if cls.kind == "mixing":
        size = 2 if any(field.required for field in msgspec.structs.fields(cls)) else 8
        return {"topology": {"id": "complete", "size": size, "weights": spec}}
    if cls.kind == "compute":
        return {"network": {"compute": spec}}
    return {cls.kind: spec}


def mapping(cls: type[Component]) -> dict[str, Any]:
    """Return the mapping of a component: its defaults, or a sample where there is none."""
    spec: dict[str, Any] = {"id": cls.id}
    types = {field.name: field.type for field in msgspec.structs.fields(cls)}
    for option in options(cls):
        if option.default is msgspec.NODEFAULT:
            spec[option.name] = _sample(kinds.type_info(types[option.name]))
        elif option.default is not None:
            value = msgspec.to_builtins(option.default)
            spec[option.name] = list(value) if isinstance(value, tuple) else value
    return spec


def _sample(info: Any) -> Any:
    """Return a value of a msgspec type."""
    if isinstance(info, kinds.Metadata):
        return _sample(info.type)
    if isinstance(info, kinds.TupleType):
        return list(range(len(info.item_types)))
    if isinstance(info, kinds.ListType):
        count = 1 if isinstance(info.item_type, kinds.TupleType) else 2
        return [_sample(info.item_type) for _ in range(count)]
    plain: dict[type, Any] = {kinds.IntType: 2, kinds.FloatType: 0.5, kinds.BoolType: False}
    return plain.get(type(info), "text")
