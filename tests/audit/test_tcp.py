"""What TCP resent is read from where the kernel has it."""

from __future__ import annotations

import json
import socket
import struct
import sys

import pytest

from netopt.audit import _tcp

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux has this struct tcp_info"
)


def pair():
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    return one, other


@pytest.mark.parametrize("size", [1, 12_345, 100_000])
def test_the_number_before_it_is_how_much_was_sent(size):
    """The layout: tcpi_bytes_sent lies just before tcpi_bytes_retrans, and is known here."""
    one, other = pair()
    with one, other:
        one.sendall(bytes(size))
        got = 0
        while got < size:
            got += len(other.recv(size))
        facts = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512)
        sent, resent = struct.unpack_from("=QQ", facts, _tcp._RESENT.size - 16)
        (same,) = _tcp._RESENT.unpack_from(facts)
    assert sent - resent == size  # what is sent twice counts twice
    assert resent == same


def test_each_rank_writes_its_connections_by_the_peers_address(tmp_path):
    one, other = pair()
    with one, other, socket.create_server(("127.0.0.1", 0)):  # who listens has no peer
        _tcp.write(tmp_path, "3")
    told = json.loads((tmp_path / "tcp.3.json").read_text())
    assert told["127.0.0.1"] >= 0


def test_addresses_become_ranks_and_strangers_are_left_out(tmp_path):
    (tmp_path / "tcp.0.json").write_text(json.dumps({"10.0.0.2": 7, "192.0.2.1": 9}))
    (tmp_path / "tcp.1.json").write_text(json.dumps({"10.0.0.1": 8}))
    ranks = {"10.0.0.1": 0, "10.0.0.2": 1}
    assert _tcp.read(tmp_path, ranks) == {(0, 1): 7, (1, 0): 8}
