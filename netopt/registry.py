"""Components: how netopt finds, builds and describes its parts.

A component is one class in one file. Its fields are exactly the keys of its YAML mapping; msgspec
checks and converts them. A package of components of one kind (``netopt.codecs``) is searched
by file name, so a new file is found by itself; a user's own file comes in with ``load_file`` or the
entry point group ``netopt.components``.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import re
import sys
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec

from netopt.errors import ConfigError

T = TypeVar("T", bound="Component")
S = TypeVar("S", bound=msgspec.Struct)
_known: dict[str, dict[str, type[Component]]] = {}


class Component(msgspec.Struct, kw_only=True, dict=True):
    """A part that a YAML file can name: its ``id`` selects the class, its fields are its options.

    ``reference`` says which paper, equation or algorithm it implements. ``dict=True`` lets a
    component keep derived values beside its options; ``config`` never shows them.
    """

    kind: ClassVar[str] = ""
    package: ClassVar[str] = ""
    id: ClassVar[str] = ""
    reference: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "id" in vars(cls) and cls.id:
            _register(cls)

    def config(self) -> dict[str, Any]:
        """Return the mapping that builds this component again: ``id`` and every option."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        plain = {k: v.config() if isinstance(v, Component) else v for k, v in values.items()}
        return {"id": self.id, **plain}

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the class's docstring."""
        return (cls.__doc__ or "").strip().split("\n")[0]


def _register(cls: type[Component]) -> None:
    """File ``cls`` under its kind and id; a second class of the same id is a ConfigError."""
    ids = _known.setdefault(cls.kind, {})
    shipped = f"{cls.package}.{cls.id.replace('-', '_')}"
    if not cls.__module__.startswith(f"{cls.package}.") and importlib.util.find_spec(shipped):
        importlib.import_module(shipped)
    other = ids.get(cls.id)
    if other is not None and (other.__module__, other.__name__) != (cls.__module__, cls.__name__):
        raise ConfigError(
            f"two {cls.kind} components are called {cls.id!r}: {other.__module__}.{other.__name__} "
            f"and {cls.__module__}.{cls.__name__}; rename one"
        )
    ids[cls.id] = cls


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` if something in ``known`` is close to ``word``, else ''."""
    import difflib  # late: only a mistake needs it

    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def load_file(path: str | Path) -> None:
    """Import a user's Python file so that its components are known; ConfigError if it fails."""
    file = Path(path)
    if not file.is_file():
        raise ConfigError(f"no file '{file}' to load components from")
    name = f"netopt_user_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"'{file}' is not a Python file; --load takes one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"'{file}' does not load: {type(error).__name__}: {error}") from error


def discover(base: type[Component]) -> dict[str, type[Component]]:
    """Import every file of a kind's package and every entry point; return id -> class, sorted."""
    import pkgutil  # late: a run finds its components by name
    from importlib.metadata import entry_points

    package = importlib.import_module(base.package)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{base.package}.{module.name}")
    for entry in entry_points(group="netopt.components"):
        entry.load()
    return dict(sorted(_known.get(base.kind, {}).items()))


def find(base: type[Component], name: str, path: str = "$") -> type[Component]:
    """Return the class of kind ``base.kind`` called ``name``; ConfigError with a suggestion.

    The file named after the id is tried first, so that a run imports only what it uses.
    """
    if name not in _known.get(base.kind, {}):
        module = f"{base.package}.{name.replace('-', '_')}"
        if name.replace("-", "_").isidentifier() and importlib.util.find_spec(module):
            importlib.import_module(module)
    if name not in _known.get(base.kind, {}):
        ids = discover(base)
        if name not in ids:
            hint = suggest(name, ids) or f"; choose from {', '.join(ids)}"
            raise ConfigError(f"no {base.kind} is called '{name}'{hint}", f"{path}.id")
    return _known[base.kind][name]


def build(base: type[T], spec: object, path: str = "$") -> T:
    """Return the component that ``spec`` describes.

    ``spec`` is an id (all defaults) or a mapping with ``id`` and options. Raises ConfigError that
    names the path, the value and the cure for an unknown id, an unknown option, a wrong type, or a
    value that the component itself refuses.
    """
    if isinstance(spec, str):
        spec = {"id": spec}
    if not isinstance(spec, Mapping):
        raise ConfigError(
            f"expected {_a(base.kind)} (an id, or a mapping with 'id'), got {spec!r}", path
        )
    options = dict(spec)
    name = options.pop("id", None)
    if not isinstance(name, str):
        raise ConfigError(f"{_a(base.kind)} needs an 'id', got {dict(spec)!r}", path)
    cls = find(base, name, path)
    return typing.cast(T, fill(cls, options, path, cls.id))


def fill(cls: type[S], options: object, path: str, label: str) -> S:
    """Return an instance of a msgspec Struct from a YAML mapping; ``label`` is its name in errors.

    Raises ConfigError for an unknown or missing key and for a value of the wrong type or range.
    """
    if not isinstance(options, Mapping):
        raise ConfigError(f"{label} is a mapping, got {options!r}", path)
    fields = {field.name: field for field in msgspec.structs.fields(cls)}
    for key in options:
        if key not in fields:
            hint = suggest(key, fields) or f"; its options are {', '.join(fields) or 'none'}"
            raise ConfigError(f"{label} has no option '{key}'{hint}", f"{path}.{key}")
    # A section with nothing after its colon is YAML's null: as if it had been left out.
    given = {k: v for k, v in options.items() if v is not None or fields[k].required}
    values = {k: _value(fields[k].type, v, f"{path}.{k}") for k, v in given.items()}
    missing = [f.name for f in fields.values() if f.required and f.name not in values]
    if missing:
        raise ConfigError(f"{label} needs the option '{missing[0]}'", path)
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{label}: {error}", path) from error


def _value(kind: Any, raw: object, path: str) -> Any:
    """Convert one option to its declared type; a component or group of options is built in turn."""
    group = struct_type(kind)
    if group is None or raw is None:
        return convert(raw, kind, path)
    if isinstance(raw, group):
        return raw
    if issubclass(group, Component):
        return build(group, raw, path)
    return fill(group, raw, path, path.rsplit(".", 1)[-1])


def struct_type(kind: Any) -> type[msgspec.Struct] | None:
    """Return the Struct class in an annotation such as ``Schedule | None``, else None."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next(filter(None, map(struct_type, typing.get_args(kind))), None)


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _reason(said: str, raw: object, kind: Any) -> str:
    """Return msgspec's complaint in the words of YAML, with the choices that there are."""
    choices, number = _choices(kind), _number(kind)
    if choices and not (number and isinstance(raw, int | float)):
        hint = suggest(str(raw), choices)
        more = ", or a number" if number else ""
        return f"expected one of {', '.join(choices)}{more}; the value is {raw!r}{hint}"
    if choices:  # a number that is out of range: msgspec names what it tried last
        said = _complaint(raw, number)
    reason = re.split(r" - at (?:key in )?`\$", said)[0].replace("`", "")
    for theirs, ours in (("object", "mapping"), ("array", "list")):
        reason = re.sub(rf"\b{theirs}\b", ours, reason)
    more = f", or {' or '.join(choices)}" if choices else ""
    return f"{reason[0].lower()}{reason[1:]}{more}; the value is {raw!r}"


def _complaint(raw: object, kind: Any) -> str:
    """Return what msgspec has against a value as one of ``kind``."""
    try:
        msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        return str(error)
    return "Expected another value"


def _number(kind: Any) -> Any:
    """Return the part of an annotation that is a number, with its limits, or None."""
    parts = typing.get_args(kind)
    if kind in (int, float) or (parts and parts[0] in (int, float) and not _choices(kind)):
        return kind
    return next(filter(None, map(_number, parts)), None)


def _choices(kind: Any) -> list[str]:
    """Return the strings that an annotation with a Literal allows."""
    if typing.get_origin(kind) is typing.Literal:
        return [str(choice) for choice in typing.get_args(kind)]
    return [choice for part in typing.get_args(kind) for choice in _choices(part)]


def convert(raw: object, kind: Any, path: str) -> Any:
    """Convert a YAML value to ``kind`` by msgspec (so ``1e-3`` is a number); ConfigError if not."""
    if hasattr(raw, "tolist"):  # numpy's numbers and arrays, from a notebook
        raw = raw.tolist()
    try:
        value = msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(_reason(str(error), raw, kind), path) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"expected a finite number; the value is {raw!r}", path)
    return value
