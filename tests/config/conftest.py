"""Bad run files, and the whole of what is said about them."""

from __future__ import annotations

import pytest

from netopt import config
from netopt.errors import ConfigError

BASE = {"problem": "quadratic", "topology": "ring-5", "algorithm": "dgd"}


@pytest.fixture
def refusal():
    """Return a function: changes to a good run file -> the whole message of its ConfigError."""

    def message_of(changes, drop=None):
        raw = {key: value for key, value in {**BASE, **changes}.items() if key != drop}
        with pytest.raises(ConfigError) as caught:
            config.make(config.read(raw))
        return str(caught.value)

    return message_of
