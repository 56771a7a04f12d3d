#!/usr/bin/env bash
# Every test of netopt: style, types, laws, oracles, and runs under a real mpirun.
#   bash launch/test.sh [--slow]      --slow adds the statistical claims, which take minutes
set -eu
cd "$(dirname "$0")/.."
. launch/setup.sh
setup "test"
run() { printf '\n== %s\n' "$*"; "$netopt_python" -m "$@"; }

run ruff check netopt tests
run ruff format --check netopt tests
run mypy
printf '\n== without the C extension\n'
clocks=$(printf -- '--ignore=tests/lockstep/test_%s.py ' asynchronous clock drops loss waiting)  # no bits in them
NETOPT_NO_EXTENSION=1 run pytest -n auto --dist worksteal tests/codecs tests/frames tests/lockstep $clocks
if [ "${1:-}" = --slow ]; then
  run pytest -m slow -s
fi
# Most tests run side by side, one a core; those that need the cores for themselves follow.
failed=0
run pytest -n auto --dist worksteal --durations=5 -m "not slow and not serial" || failed=1
run pytest --durations=5 -m "serial and not slow" || failed=1
exit $failed
