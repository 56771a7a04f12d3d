"""What the doctor looks at on the machine: Python, compiler, extension, cores, threads, data."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import sysconfig

from netopt.core import packing
from netopt.errors import ConfigError
from netopt.launcher import usable_cores
from netopt.report.finding import Finding

OLDEST = (3, 10)
REINSTALL = "install a C compiler (gcc or clang) and reinstall netopt"


def python() -> Finding:
    """Return whether this Python is new enough."""
    found = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    if sys.version_info[:2] < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return Finding("Python", "bad", found, f"use Python {wanted} or newer")
    return Finding("Python", "ok", found)


def compiler() -> Finding:
    """Return which C compiler could build the extension; only needed if it is not built."""
    built_with = (sysconfig.get_config_var("CC") or "").split()[:1]
    found = next(filter(None, map(shutil.which, (*built_with, "cc", "gcc", "clang"))), None)
    if found:
        return Finding("C compiler", "ok", found)
    if packing.implementation == "c":
        return Finding("C compiler", "ok", "none found, and none needed: the extension is built")
    return Finding("C compiler", "warn", "none found", REINSTALL)


def extension() -> Finding:
    """Return whether bits are packed in C, and by which kernels."""
    if packing.implementation == "c":
        return Finding("C extension", "ok", f"in use, kernels: {packing.tier()}")
    slow = "not in use: bits are packed in numpy, with the same results but many times slower"
    if os.environ.get("NETOPT_NO_EXTENSION", "0") not in ("", "0"):
        cure = "unset NETOPT_NO_EXTENSION"
        return Finding("C extension", "warn", f"{slow} (NETOPT_NO_EXTENSION is set)", cure)
    return Finding("C extension", "warn", slow, REINSTALL)


def cores() -> Finding:
    """Return the cores that this process may use."""
    count = usable_cores()
    detail = f"{count} usable; more agents than that share them, and wall seconds then say little"
    if count == 1:
        cure = "allow the process more cores; results do not depend on it, seconds do"
        return Finding("cores", "warn", "1 usable: all agents share it", cure)
    return Finding("cores", "ok", detail)


def threads() -> Finding:
    """Return how many threads BLAS would take, and what a rank gives it."""
    importlib.import_module("numpy")  # loads the BLAS that is asked about
    pools = importlib.import_module("threadpoolctl").threadpool_info()
    pools = [f"{pool['internal_api']}: {pool['num_threads']}" for pool in pools]
    detail = f"{', '.join(pools) or 'no thread pool'} here; netopt gives each rank 1"
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked not in ("", "1"):
        cure = "unset OMP_NUM_THREADS, or set it to 1: ranks are the parallel part"
        return Finding("BLAS threads", "warn", f"OMP_NUM_THREADS is {asked}; {detail}", cure)
    return Finding("BLAS threads", "ok", detail)


def data() -> Finding:
    """Return whether the data sets that scikit-learn ships are there."""
    from netopt.data.packaged import find

    names = ("digits.csv.gz", "breast_cancer.csv")
    try:
        missing = [name for name in names if find("digits", name) is None]
    except ConfigError:
        missing = list(names)
    if missing:
        detail = f"scikit-learn's {' and '.join(missing)} not found"
        return Finding("data", "warn", detail, "pip install --force-reinstall scikit-learn")
    return Finding("data", "ok", "digits and breast-cancer of scikit-learn")
