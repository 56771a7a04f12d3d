#!/usr/bin/env bash
# From nothing to a result: install netopt into .venv and let eight MPI ranks on a ring learn real
# handwritten digits, once with 5-bit messages (QGD) and once with float32 messages (DGD).
#   bash launch/demo.sh [FOLDER]      FOLDER: where the results go, runs/demo if not given
set -eu
cd "$(dirname "$0")/.."
. launch/setup.sh
setup ""
export NETOPT_WARNED=1  # setup has said it if there is no compiler; once is enough
netopt() { "$netopt_python" -m netopt "$@"; }

out=${1:-runs/demo}
n=2
while [ -e "$out" ]; do out=${1:-runs/demo}-$n; n=$((n + 1)); done

# Each run prints its own table; the one that compares both comes at the end.
for experiment in digits-qgd digits-dgd; do
  netopt run "$experiment" --out "$out/$experiment" >/dev/null
done
netopt plot "$out/digits-qgd" "$out/digits-dgd" --out "$out/loss-against-bytes.png"
