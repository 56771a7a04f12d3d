"""Finds the data files that scikit-learn ships, without the second that importing it takes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from netopt.errors import ConfigError


def find(data: str, file: str) -> Path | None:
    """Return the path of ``file`` in scikit-learn's data folder, or None if it is not there.

    None means that the caller has to ask ``sklearn.datasets`` itself. Raises ConfigError, naming
    the data set ``data``, if scikit-learn is not installed.
    """
    spec = importlib.util.find_spec("sklearn")
    if spec is None:
        raise ConfigError(
            f"data '{data}' is a file of scikit-learn, which is not installed; "
            "pip install scikit-learn"
        )
    folders = [Path(place, "datasets", "data") for place in spec.submodule_search_locations or ()]
    return next((folder / file for folder in folders if (folder / file).is_file()), None)
