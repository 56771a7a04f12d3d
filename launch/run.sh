#!/usr/bin/env bash
# Install netopt into .venv if it is not there, then pass everything on to it.
#   bash launch/run.sh FILE [netopt run's options]
set -eu
cd "$(dirname "$0")/.."
if [ ! -x .venv/bin/netopt ]; then
  . launch/setup.sh
  setup ""
fi
exec .venv/bin/netopt run "$@"
