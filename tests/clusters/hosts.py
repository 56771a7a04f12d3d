"""Two network namespaces that stand for hosts, a bridge between them, and what stands for ssh.

Each has an address of its own and its own host name; what they share is the disk, as hosts of a
cluster do. All names begin with ``nc`` and this process's id, and ``remove`` removes them all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

# Hydra passes options, the host and the words of a command, as it would to ssh.
SSH = """\
#!/bin/sh
while [ "${1#-}" != "$1" ]; do [ "$1" != -o ] || shift; shift; done
host=$1; shift
exec ip netns exec "$host" unshare --uts sh -c 'hostname "$0" && exec sh -c "$1"' "$host" "$*"
"""


def wanting() -> str:
    """Return what is missing to make namespaces here, or ''."""
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    lacking = [name for name in ("ip", "unshare", "hostname") if shutil.which(name) is None]
    if lacking:
        return f"no {', '.join(lacking)} (Debian and Ubuntu: iproute2, util-linux, hostname)"
    made = subprocess.run(["unshare", "--net", "--uts", "true"], capture_output=True, text=True)
    return "" if made.returncode == 0 else f"no namespaces: {made.stderr.strip()}"


class Hosts:
    """Two hosts; ``wire`` is the name of every interface between them and the bridge."""

    def __init__(self, folder: Path) -> None:
        self.wire = f"nc{os.getpid()}b"
        self.names = [f"nc{os.getpid()}h{i}" for i in (1, 2)]
        self.ssh = folder / "ssh"
        self._net = f"198.19.{os.getpid() % 256}"

    def make(self) -> None:
        """Make hosts, bridge and cables; RuntimeError with the kernel's words if not."""
        forget_the_dead()
        self.ssh.write_text(SSH)
        self.ssh.chmod(0o755)
        ip("link", "add", self.wire, "type", "bridge")
        ip("address", "add", f"{self._net}.254/24", "dev", self.wire)
        ip("link", "set", self.wire, "up")
        for number, name in enumerate(self.names, start=1):
            ip("netns", "add", name)
            ip("link", "add", name, "type", "veth", "peer", "name", self.wire, "netns", name)
            ip("link", "set", name, "master", self.wire, "up")
            inside = ("-netns", name)
            ip(*inside, "address", "add", f"{self._net}.{number}/24", "dev", self.wire)
            for device in ("lo", self.wire):
                ip(*inside, "link", "set", device, "up")

    def sent(self, name: str) -> int:
        """Return the bytes that a host has sent so far, by the bridge's end of its cable."""
        return int(Path(f"/sys/class/net/{name}/statistics/rx_bytes").read_text())

    def remove(self) -> None:
        """Remove whatever was made, also if making it was broken off; nothing is left."""
        for name in self.names:
            gone("netns", "delete", name)
            gone("link", "delete", name)
        gone("link", "delete", self.wire)


def forget_the_dead() -> None:
    """Remove what tests have left behind that were killed before they could."""
    named = [*os.listdir("/sys/class/net"), *(path.name for path in Path("/run/netns").glob("*"))]
    for name in named:
        found = re.fullmatch(r"nc(\d+)(h\d|b)", name)
        if found and not Path("/proc", found[1]).exists():
            gone("netns", "delete", name)
            gone("link", "delete", name)


def ip(*words: str) -> None:
    """Call ip; RuntimeError with what it says if it fails."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def gone(*words: str) -> None:
    """Remove something that may not be there."""
    subprocess.run(["ip", *words], capture_output=True)
