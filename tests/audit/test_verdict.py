"""The verdict finds any number that is changed by one, the kernel's to within a hundredth."""

from __future__ import annotations

import copy

import pytest

from netopt.audit._kernel import GREETING, PACKET, TOLERANCE, Packets, account
from netopt.audit._ledger import BOOKS, Entry
from netopt.audit._playing import MPICH
from netopt.audit._verdict import judge
from netopt.audit._witness import Count, Traffic

EDGES = [(0, 1), (1, 2), (2, 0)]
PAIRS = [(i, j) for i in range(3) for j in range(3) if i != j]


def problems(lines):
    return {line.way: line.problems for line in lines if line.problems}


def kernel_of(entries, heard, library, packets=1000):
    """Return counters that are explained to the byte."""
    seen = {}
    for way in PAIRS:
        counted = Packets(Count(packets, 0), 7)
        known = account(way, counted, entries.get(way, Entry(0, 0, 0)), heard, library.transport)
        seen[way] = Packets(Count(packets, known.explained), 7)
    return seen


def test_what_was_recorded_agrees(entries, heard, library):
    lines = judge(entries, heard, kernel_of(entries, heard, library), library.transport)
    assert problems(lines) == {}
    assert [line.way for line in lines if line.edge] == EDGES
    assert [line.mpi for line in lines if line.edge] == [Count(4, 1408)] * 3
    assert all(line.kernel.off == 0 for line in lines)


@pytest.mark.parametrize("change", [1, -1])
@pytest.mark.parametrize("field", ["units", "bytes"])
@pytest.mark.parametrize("way", PAIRS)
def test_a_message_or_byte_more_or_less_is_found(entries, heard, library, way, field, change):
    """Also where there is no edge, and in what agents tell agent 0 when the books are closed."""
    changed = copy.deepcopy(heard)
    count = changed.messages.get(way, Count(0, 0))
    changed.messages[way] = count._replace(**{field: getattr(count, field) + change})
    found = problems(judge(entries, changed, None, library.transport))
    assert set(found) == {way}


@pytest.mark.parametrize("change", [1, -1])
@pytest.mark.parametrize("field", ["frames", "bytes"])
@pytest.mark.parametrize("way", EDGES)
def test_a_frame_or_byte_of_the_ledger_is_found(entries, heard, library, way, field, change):
    entry = entries[way]
    entries[way] = entry._replace(**{field: getattr(entry, field) + change})
    assert set(problems(judge(entries, heard, None, library.transport))) == {way}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("way", PAIRS)
def test_the_kernel_is_held_to_what_explains_it(entries, heard, library, way, sign):
    """The last byte that may stay unexplained, and the first that may not."""
    seen = kernel_of(entries, heard, library)
    explained = seen[way].counted.bytes
    size = explained
    while abs(size - explained) <= max(TOLERANCE * size, GREETING):
        size += sign
    for bytes_, wanted in ((size - sign, set()), (size, {way})):
        seen[way] = seen[way]._replace(counted=Count(1000, bytes_))
        assert set(problems(judge(entries, heard, seen, library.transport))) == wanted


def test_packets_and_what_tcp_resent_explain_bytes(entries, heard, library):
    """As many packets more as a hundredth of the bytes has headers, and they are missed."""
    seen = kernel_of(entries, heard, library, packets=100)
    way = (0, 1)
    size = seen[way].counted.bytes
    most = int(max(TOLERANCE * size, GREETING))
    for packets, again, wanted in (
        (100 + most // PACKET, 7, set()),
        (100 + most // PACKET + 1, 7, {way}),
        (100, 7 + most, set()),
        (100, 7 + most + 1, {way}),
    ):
        seen[way] = Packets(Count(packets, size), again)
        assert set(problems(judge(entries, heard, seen, library.transport))) == wanted


def test_an_edge_is_explained_by_headers_answers_and_control():
    heard = Traffic({(0, 1): Count(10, 5000)}, {(0, 1): Count(2, 300)}, {(0, 1): 9, (1, 0): 4})
    known = account(
        (0, 1), Packets(Count(20, 9999), 50), Entry(10, 5000, 0), heard, MPICH.transport
    )
    assert known.control == 300
    assert known.transport == 32 * 12 + 16 * 4
    assert known.framing == 66 * 20
    assert known.explained == 5000 + 300 + 448 + 50 + 1320
    back = account((1, 0), Packets(Count(5, 500), 0), Entry(0, 0, 0), heard, MPICH.transport)
    assert back.transport == 16 * 9
    assert back.control == BOOKS.bytes


def test_frames_that_the_ledger_does_not_number_are_known_by_their_bytes(library):
    """Resent frames and those of the set-up: at least one, and none smaller than a header."""
    ledger = {(0, 1): Entry(10, 1000, 100)}

    def told(messages):
        heard = Traffic({(0, 1): Count(messages, 1000)}, {}, {})
        return bool(problems(judge(ledger, heard, None, library.transport)))

    assert [told(messages) for messages in (9, 10, 11, 12, 13, 14)] == [1, 1, 0, 0, 0, 1]


def test_without_the_mpi_library_nobody_knows_the_control_traffic(entries, heard, library):
    lines = judge(entries, None, kernel_of(entries, heard, library), library.transport)
    assert all(line.mpi is None and line.kernel is None for line in lines)
    assert problems(lines) == {}
