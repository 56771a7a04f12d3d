"""A Slurm of one node, all of whose processes are this test's own: nothing is installed or shared.

munged, slurmctld and slurmd run in the foreground as children, in a temporary folder and on free
ports, and are ended by their process ids.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
PROGRAMS = (*DAEMONS, "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
START_SECONDS, END_SECONDS = 30.0, 10.0
# The node says that it has 8 cores, so that 4 tasks need not wait for cores that are not there.
# MPICH names its shared memory after the job's number, and ranks that are killed leave it behind: a
# number that an earlier test had would meet it, and wait for ever.
CONFIG = """\
ClusterName=netopt
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
FirstJobId={first}
SlurmdParameters=config_overrides
KillWait=4
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=60 State=UP
"""


def missing() -> list[str]:
    """Return the programs of Slurm and munge that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]


class Slurm:
    """A cluster that runs from ``start`` to ``end``; ``variables`` lead its commands to it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"nc{os.getpid()}-"))
        self.folder.chmod(0o755)  # munge wants everybody to reach its socket
        self.variables = {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": PATH}
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Return when the node takes jobs; RuntimeError with the logs if it does not in time."""
        host = socket.gethostname().partition(".")[0]
        facts = {"host": host, "user": getpass.getuser(), "folder": self.folder}
        first = 1 + int.from_bytes(os.urandom(3), "little")
        config = CONFIG.format(ports=free_ports(2), first=first, **facts)
        (self.folder / "slurm.conf").write_text(config)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        options = {"key": "key", "log": "log", "pid": "pid", "seed": "seed"}
        files = [f"--{name}-file={self.folder}/munge.{end}" for name, end in options.items()]
        self._daemon("munged", "--foreground", f"--socket={self.folder}/munge.socket", *files)
        self._wait(lambda: (self.folder / "munge.socket").exists(), "munged")
        conf = self.variables["SLURM_CONF"]
        self._daemon("slurmctld", "-D", "-c", "-f", conf)
        self._daemon("slurmd", "-D", "-f", conf, "-N", host)
        self._wait(lambda: self.ask("sinfo", "-h", "-o", "%T") == "idle", "slurmd")

    def ask(self, *words: str) -> str:
        """Return what a command of Slurm answers."""
        env = os.environ | self.variables
        told = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True)
        return told.stdout.decode(errors="replace").strip()

    def end(self) -> None:
        """End all jobs, then the daemons, and remove the folder."""
        if len(self._daemons) == 3:
            self.ask("scancel", "--user", getpass.getuser())
            until = time.monotonic() + END_SECONDS
            while self.ask("squeue", "-h") and time.monotonic() < until:
                time.sleep(0.1)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder)

    def _daemon(self, name: str, *words: str) -> None:
        with open(self.folder / f"{name}.out", "wb") as out:
            daemon = subprocess.Popen(
                [shutil.which(name, path=PATH) or name, *words],
                env=os.environ | self.variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._daemons.append(daemon)

    def _wait(self, ready, name: str) -> None:
        until = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > until or any(d.poll() is not None for d in self._daemons):
                logs = (file.read_text() for file in sorted(self.folder.glob("*.out")))
                raise RuntimeError(f"{name} does not start\n" + "\n".join(logs))
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return ports of this host that nobody listens to."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
