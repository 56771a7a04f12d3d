"""YAML in and out: errors that name the file and the line, duplicate keys refused.

PyYAML takes 20 ms to import, so this module is imported where a file is read or written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from netopt.errors import ConfigError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """The safe loader, less YAML's habit of letting the last of two equal keys win."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue  # `<<: *defaults` may stand twice, and the base class knows what it means
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands here a second time", key_node.start_mark
                )
            if isinstance(key, str):
                seen.add(key)
        return dict(super().construct_mapping(node, deep=deep))


def read(file: Path) -> dict[Any, Any]:
    """Return the mapping in a YAML file; ConfigError names the file and the line."""
    try:
        content = parse(file.read_text("utf-8"), str(file))
    except FileNotFoundError:
        raise ConfigError(f"no file '{file}'") from None
    except OSError as error:
        raise ConfigError(f"cannot read '{file}': {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"'{file}' is not text in UTF-8: {error.reason}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"'{file}' must hold a mapping, got {type(content).__name__}")
    return content


def parse(text: str, source: str) -> Any:
    """Return the content of YAML text; ConfigError names ``source`` and the line."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ConfigError(f"'{source}'{line} {problem}") from None


def dump(content: Any) -> str:
    """Return a mapping as YAML text, keys in their own order."""
    return str(yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100))
