"""netopt's errors: what went wrong, where, and what would cure it.

Every error that a user can cause carries an exit code, so that the command line, the MPI launcher
and a shell script all learn the same thing: 2 is bad input, 3 a computation that broke down, 4 a
network that did, 130 Ctrl-C.
"""

from __future__ import annotations


class NetoptError(Exception):
    """Base of every error that netopt raises on purpose; its message is meant to be read alone."""

    exit_code = 1


class ConfigError(NetoptError):
    """Bad input: names the place (a path such as ``$.codecs.mix``), the value and the cure."""

    exit_code = 2

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path

    def under(self, parent: str) -> ConfigError:
        """Return the same error one level further out: ``$.levels`` under ``$.codecs.mix``."""
        return ConfigError(self.message, parent + self.path.removeprefix("$"))


class RangeError(NetoptError):
    """A vector that its codec cannot represent: too large, or not finite."""

    exit_code = 2


class FrameError(NetoptError):
    """Bytes that are not the frame that was expected: damaged, hostile, or of another codec."""

    exit_code = 4


class ExchangeError(NetoptError):
    """Agents that do not agree on who talks to whom, or a neighbour that never answered."""

    exit_code = 4


class StuckError(ExchangeError):
    """Agents that waited longer than the timeout; the message already says who waits for whom."""


class NumericalError(NetoptError):
    """NaN or infinity where a number should be; names agent and round."""

    exit_code = 3


class LedgerError(NetoptError):
    """Bytes sent and bytes received that differ on some edge."""

    exit_code = 4
