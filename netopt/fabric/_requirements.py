"""What a fabric needs of the machine, found out by trying it, and told in one line if it lacks.

What is tried happens in a namespace without a name, which the kernel removes by itself.
"""

from __future__ import annotations

import errno
import importlib.util
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from netopt.errors import ConfigError
from netopt.fabric import _enter, _kernel, _namespaces

INSTEAD = "network: {clock: virtual} emulates the same links without it"


class Abilities(NamedTuple):
    """What this kernel can do beyond what must be: ``tbf`` shapes a rate, ``netem`` delays."""

    tbf: bool
    netem: bool


def check(shaped: bool) -> Abilities:
    """Return what the kernel can do; ConfigError if it cannot build a fabric.

    ``shaped`` says whether any link has a rate, for which the kernel needs tbf.
    """
    if not sys.platform.startswith("linux"):
        raise ConfigError(f"a fabric needs the Linux kernel, and this is {sys.platform}; {INSTEAD}")
    if importlib.util.find_spec("pyroute2") is None:
        raise ConfigError(
            f"a fabric needs pyroute2, which pip install 'netopt[fabric]' brings; {INSTEAD}"
        )
    try:
        abilities = probe()
    except PermissionError:
        raise ConfigError(
            "a fabric needs root: the capabilities CAP_NET_ADMIN and CAP_SYS_ADMIN, to make "
            f"network namespaces; {INSTEAD}"
        ) from None
    except OSError as error:
        raise ConfigError(f"this kernel cannot build a fabric: {error}; {INSTEAD}") from None
    if shaped and not abilities.tbf:
        raise ConfigError(
            f"the links have rates, and this kernel lacks tbf (CONFIG_NET_SCH_TBF); {INSTEAD}, and "
            "links without a rate need no tbf"
        )
    return abilities


def probe() -> Abilities:
    """Return what works in a new namespace; OSError for what must and does not."""

    def there() -> Abilities:
        _enter.call("unshare", _enter.CLONE_NEWNET)
        return _try()

    return _namespaces.within_thread(there)


def _try() -> Abilities:
    from pyroute2 import IPRoute

    from netopt.fabric import _bucket
    from netopt.fabric._plan import Shape

    with IPRoute() as kernel:
        _must("a bridge", lambda: kernel.link("add", ifname="bridge", kind="bridge"))
        pair = {"ifname": "one", "kind": "veth", "peer": {"ifname": "other"}}
        _must("a veth pair", lambda: kernel.link("add", **pair))
        one, other = (_kernel.index_of(kernel, name) for name in ("one", "other"))
        return Abilities(
            _works(lambda: _bucket.add(one, Shape(1e6, 3000, 0))),
            _works(lambda: kernel.tc("add", "netem", other, "10:", delay=1000)),
        )


def _must(what: str, work: Callable[[], Any]) -> None:
    try:
        work()
    except Exception as error:  # pyroute2's own, which are no OSErrors
        if getattr(error, "code", None) == errno.EPERM:
            raise PermissionError(errno.EPERM, what) from None
        raise OSError(f"it refuses {what} ({_kernel.reason(error)})") from None


def _works(work: Callable[[], Any]) -> bool:
    try:
        work()
    except Exception:
        return False
    return True
