"""Finds the data files that packages ship, without the second that importing one takes."""

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


def file(data: str, package: str, inside: str, cure: str) -> Path:
    """Return the path of the file ``inside`` the folder of ``package``, which is not imported.

    ``cure`` is what to install by pip. Raises ConfigError, naming the data set ``data``, if the
    package is not installed, or without the file.
    """
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ConfigError(
            f"data '{data}' is a file of {package}, which is not installed; pip install {cure}"
        )
    places = [Path(place, inside) for place in spec.submodule_search_locations or ()]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ConfigError(
            f"data '{data}' is the file {inside} of {package}, which this version of it lacks; "
            f"pip install --upgrade {cure}"
        )
    return found
