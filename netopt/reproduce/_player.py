"""What a process of a study runs: one run file after another, as a rank of MPI or all by itself.

``python -m netopt.reproduce._player mpi FILE OUT FILE OUT ...`` under mpirun plays each file over
all ranks, ``lockstep`` instead of ``mpi`` in one process. Many runs share one start of Python and
MPI, since a short run takes less time than that. Errors are told as ``netopt.worker`` tells them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path


def main(words: Sequence[str]) -> int:
    """Play the pairs of run file and directory in order; return the first exit code that is not 0.

    Nothing may be imported before ``netopt.worker`` has started MPI.
    """
    driver, *places = words
    pairs = list(zip(places[::2], places[1::2], strict=True))
    return _lockstep(pairs) if driver == "lockstep" else _over_mpi(pairs)


def _over_mpi(pairs: Iterable[tuple[str, str]]) -> int:
    from netopt import worker

    for file, out in pairs:
        code = worker.run(file, (), (), out, debug=False, quiet=True)
        if code:
            return code
    return 0


def _lockstep(pairs: Iterable[tuple[str, str]]) -> int:
    from netopt import config, engine
    from netopt.errors import NetoptError
    from netopt.speech import say, told

    try:
        for file, out in pairs:
            engine.lockstep(config.make(config.read(file), Path(file).parent), Path(out))
    except (NetoptError, OSError) as error:
        say(f"netopt: error: {told(error)}")
        return error.exit_code if isinstance(error, NetoptError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
