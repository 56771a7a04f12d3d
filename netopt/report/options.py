"""Options know what a component can be told: name, type, range, default, unit and meaning."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any, NamedTuple, TypeGuard

import msgspec
from msgspec import inspect as kinds

from netopt.registry import Component, struct_type

REQUIRED = "required"
_ITEM = r"^- ``(\w+)``: (.*(?:\n  .*)*)"


class Option(NamedTuple):
    """One option as text; ``default`` is the value itself, or ``msgspec.NODEFAULT`` if required."""

    name: str
    type: str
    default: Any
    unit: str
    description: str


def options(cls: type[msgspec.Struct]) -> list[Option]:
    """Return every option of a component (or of another group of options), in its own order.

    A description comes from the option's Meta, or else from a line ``- ``name``: ...`` in the
    class's docstring. The default of an option that is a component is its mapping.
    """
    return [_option(cls, field) for field in msgspec.structs.fields(cls)]


def readable(annotation: Any) -> str:
    """Return an annotation in words, with its range: 'int, 1 to 32', 'mixing or null'."""
    group = struct_type(annotation)
    if _is_component(group):
        return f"{group.kind} or null" if _optional(annotation) else group.kind
    if annotation is Any:
        return "anything"
    return _words(kinds.type_info(annotation))


def mentioned(cls: type) -> dict[str, str]:
    """Return what the docstring of ``cls`` lists as ``- ``name``: meaning``, by name."""
    found = re.findall(_ITEM, inspect.cleandoc(cls.__doc__ or ""), re.MULTILINE)
    return {name: " ".join(meaning.split()).rstrip(".") for name, meaning in found}


def prose(cls: type) -> str:
    """Return the docstring of ``cls`` without the list that ``mentioned`` returns."""
    text = re.sub(_ITEM, "", inspect.cleandoc(cls.__doc__ or ""), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _option(cls: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Option:
    meta = _meta(field.type)
    described = (meta.extra_json_schema or {}).get("description") if meta else None
    unit = (meta.extra or {}).get("unit", "") if meta else ""
    group = struct_type(field.type)
    part = f"a {group.kind}, by id or as a mapping" if _is_component(group) else ""
    meaning = described or _said(field.type) or mentioned(cls).get(field.name, part)
    return Option(field.name, readable(field.type), _default(field), str(unit), str(meaning))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    return value.config() if isinstance(value, Component) else value


def _said(annotation: Any) -> str:
    """Return the description on a component's annotation, which msgspec's own tools do not read."""
    metas = (part for part in typing.get_args(annotation) if isinstance(part, msgspec.Meta))
    return next((meta.description for meta in metas if meta.description), "")


def _meta(annotation: Any) -> kinds.Metadata | None:
    """Return the Meta of an annotation, also of one of a union's types such as ``A | None``."""
    if annotation is Any or struct_type(annotation) is not None:
        return None
    info = kinds.type_info(annotation)
    inside = info.types if isinstance(info, kinds.UnionType) else ()
    return next((part for part in (info, *inside) if isinstance(part, kinds.Metadata)), None)


def _is_component(group: type[msgspec.Struct] | None) -> TypeGuard[type[Component]]:
    return group is not None and issubclass(group, Component)


def _optional(annotation: Any) -> bool:
    return isinstance(kinds.type_info(annotation), kinds.UnionType)


def _words(info: Any) -> str:
    """Return a msgspec type as words."""
    if isinstance(info, kinds.Metadata):
        return _words(info.type)
    if isinstance(info, kinds.UnionType):
        return " or ".join(map(_words, info.types))
    if isinstance(info, kinds.LiteralType):
        return " | ".join(map(str, info.values))
    if isinstance(info, kinds.IntType | kinds.FloatType):
        name = "int" if isinstance(info, kinds.IntType) else "number"
        return ", ".join(part for part in (name, _range(info)) if part)
    if isinstance(info, kinds.ListType):
        return f"list of {_words(info.item_type)}"
    if isinstance(info, kinds.TupleType):
        return f"[{', '.join(map(_words, info.item_types))}]"
    plain: dict[Any, str] = {
        kinds.StrType: "text",
        kinds.BoolType: "true | false",
        kinds.NoneType: "null",
    }
    return plain.get(type(info), type(info).__name__.removesuffix("Type").lower())


def _range(info: kinds.IntType | kinds.FloatType) -> str:
    low = "" if info.ge is None else f">= {_number(info.ge)}"
    low = low if info.gt is None else f"> {_number(info.gt)}"
    high = "" if info.le is None else f"<= {_number(info.le)}"
    high = high if info.lt is None else f"< {_number(info.lt)}"
    text = " and ".join(part for part in (low, high) if part)
    if info.ge is not None and info.le is not None:
        text = f"{_number(info.ge)} to {_number(info.le)}"
    return text + (f", a multiple of {info.multiple_of}" if info.multiple_of else "")


def _number(value: float) -> str:
    """Return a bound; a power of two that nobody can read off its digits is written as one."""
    if not isinstance(value, int):
        return f"{value:g}"
    for power in (value, value + 1):
        if value >= 2**16 and power & (power - 1) == 0:
            return f"2^{power.bit_length() - 1}" + (" - 1" if power != value else "")
    return str(value)
