"""What lies in an agent's ``spare`` between two rounds is nobody's: the mean is written there."""

from __future__ import annotations

import numpy as np
import pytest
from homes import home

from netopt.algorithms import Algorithm, Swapping
from netopt.network.lockstep import Lockstep
from netopt.registry import discover


@pytest.mark.parametrize("name", discover(Algorithm))
def test_a_round_reads_nothing_from_the_spare_array(make, name):
    experiment = make(algorithm=name, topology=home(name))
    left, clean = Lockstep(experiment), Lockstep(experiment)
    if not isinstance(left._states[0], Swapping):
        pytest.skip("its agents have none")
    for network in (left, clean):
        network.setup()
    for k in range(4):
        for state in left._states:
            state.spare[:] = np.nan
        left.play(k)
        clean.play(k)
    assert left.estimates().tobytes() == clean.estimates().tobytes()
