"""What is missing is told in one line, with what works instead."""

from __future__ import annotations

import errno
import importlib.util
import shutil
import subprocess
import sys

import pytest

from netopt.errors import ConfigError
from netopt.fabric import _requirements

INSTEAD = "; network: {clock: virtual} emulates the same links without it"


NO_ROOT = (
    "a fabric needs root: the capabilities CAP_NET_ADMIN and CAP_SYS_ADMIN, to make network "
    f"namespaces{INSTEAD}"
)


def refused(shaped: bool = True) -> str:
    with pytest.raises(ConfigError) as caught:
        _requirements.check(shaped)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert refused() == f"a fabric needs the Linux kernel, and this is darwin{INSTEAD}"


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


def test_no_pyroute2(linux: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert refused() == (
        f"a fabric needs pyroute2, which pip install 'netopt[fabric]' brings{INSTEAD}"
    )


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("lacking", ["net_admin", "sys_admin"])
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv, of util-linux, is not installed")
def test_a_capability_less(lacking: str) -> None:
    code = "from netopt.fabric import _requirements; _requirements.check(False)"
    words = ["setpriv", f"--bounding-set=-{lacking}", "--inh-caps=-all", sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.splitlines()[-1] == f"netopt.errors.ConfigError: {NO_ROOT}"


def test_no_root(linux: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def probe() -> None:
        raise PermissionError(errno.EPERM, "unshare: Operation not permitted")

    monkeypatch.setattr(_requirements, "probe", probe)
    assert refused() == NO_ROOT


def test_a_kernel_without_bridges(linux: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def probe() -> None:
        raise OSError("it refuses a bridge (Operation not supported)")

    monkeypatch.setattr(_requirements, "probe", probe)
    assert refused() == (
        "this kernel cannot build a fabric: it refuses a bridge (Operation not supported)" + INSTEAD
    )


def test_no_tbf_matters_only_to_links_with_rates(
    linux: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = _requirements.Abilities(tbf=False, netem=False)
    monkeypatch.setattr(_requirements, "probe", lambda: lacking)
    assert refused() == (
        "the links have rates, and this kernel lacks tbf (CONFIG_NET_SCH_TBF); network: "
        "{clock: virtual} emulates the same links without it, and links without a rate need no tbf"
    )
    assert _requirements.check(False) == lacking
