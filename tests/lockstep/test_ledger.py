"""The books: what is sent is received, edge by edge, and it is what the rows and the frames say."""

from __future__ import annotations

import numpy as np
import pytest

from netopt.engine import play as play_on
from netopt.errors import LedgerError
from netopt.frame import HEADER_BYTES, Header, parse
from netopt.ledger import Ledger, Tally, check_conservation
from netopt.network.lockstep import Lockstep

HEADER = Header(1, 0, 0, 0, 0, 10, payload_bytes=9, pad_bits=6, channel=0, broadcast=1)
CODEC = {"codecs": {"mix": {"id": "switching", "levels": 2}}}  # 32 + 10 x 3 = 62 bits, 8 bytes


def test_a_frame_counts_its_bits_its_bytes_and_its_header():
    ledger = Ledger([(0, 1), (1, 0)])
    ledger.add((1, 0), HEADER)
    ledger.add((1, 0), HEADER)
    assert ledger.counts.tolist() == [[0] * 8, [2, 132, 18, 64, 0, 0, 0, 0]]
    assert ledger.total() == (2, 132, 18, 64, 0, 0, 0, 0)
    assert ledger.bits_and_bytes() == (132, 82, 0)


def test_what_is_told_in_the_setup_counts_apart():
    ledger = Ledger([(0, 1), (1, 0)])
    ledger.setup = True
    ledger.add((1, 0), HEADER)
    ledger.setup = False
    ledger.add((1, 0), HEADER)
    assert ledger.counts.tolist() == [[0] * 8, [1, 66, 9, 32, 0, 0, 66, 41]]
    assert ledger.bits_and_bytes() == (66, 41, 41)


@pytest.mark.parametrize("column", range(8))
def test_books_that_differ_anywhere_are_an_error(column):
    sent, received = Ledger([(0, 1), (2, 0)]), Ledger([(0, 1), (2, 0)])
    for ledger in (sent, received):
        ledger.add((2, 0), HEADER)
    check_conservation(sent, received)
    received.counts[1, column] -= 1
    with pytest.raises(LedgerError) as caught:
        check_conservation(sent, received)
    counts = [1, 66, 9, 32, 0, 0, 0, 0]
    names = Tally._fields

    def shown(values):
        return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))

    less = [value - (i == column) for i, value in enumerate(counts)]
    wanted = f"edge 2 -> 0: sent Tally({shown(counts)}), received Tally({shown(less)})"
    assert str(caught.value) == wanted


def test_a_run_whose_books_are_tampered_with_fails_at_its_end(make):
    experiment = make(rounds=3)
    network = Lockstep(experiment)
    books = network.books
    network.books = lambda: (books()[0], Ledger(experiment.topology.edges), [])
    with pytest.raises(LedgerError, match=r"^edge 0 -> 1: sent Tally\(frames=3, payload_bits=1920"):
        play_on(experiment, network, None)


@pytest.mark.parametrize("topology", ["ring-5", "w1", "star-8"])
def test_the_rows_count_the_payload_of_all_edges_so_far(play, topology):
    outcome = play(**CODEC, topology=topology, rounds=25)
    edges = len(outcome.sent.edges)
    for row in outcome.rows:
        assert row["payload_bits"] == row["round"] * edges * 62
        assert row["wire_bytes"] == row["round"] * edges * (8 + HEADER_BYTES)
    assert [row["round"] for row in outcome.rows] == [0, 10, 20, 25]
    assert outcome.sent.counts[:, 1].sum() == outcome.rows[-1]["payload_bits"]
    assert outcome.summary["header_bytes"] == 25 * edges * HEADER_BYTES
    assert outcome.summary["sent_equals_received"] is True


def test_the_captured_frames_are_a_second_witness(play):
    outcome = play(**CODEC, topology="w1", rounds=4, record={"frames": 1000})
    counted = {edge: np.zeros(3, int) for edge in outcome.sent.edges}
    for round_, exchange, source, target, data in outcome.frames:
        header = parse(np.frombuffer(data, np.uint8))
        assert (header.round, header.exchange, header.sender) == (round_, exchange, source)
        payload = len(data) - HEADER_BYTES
        counted[source, target] += (1, 8 * payload - header.pad_bits, payload)
    for edge, counts in zip(outcome.sent.edges, outcome.sent.counts, strict=True):
        assert counted[edge].tolist() == counts[:3].tolist()
    assert outcome.frames == sorted(outcome.frames)


def test_no_more_frames_are_kept_than_asked_for(play):
    assert len(play(rounds=4, record={"frames": 7}).frames) == 7
    assert play(rounds=4).frames == []


def test_a_run_stops_at_the_first_row_that_has_the_bits(play):
    per_round = 10 * 62
    outcome = play(**CODEC, rounds=90, stop={"bits": 15 * per_round}, record={"every": 4})
    assert outcome.rows[-1]["round"] == 16
    assert outcome.summary["stopped_by"] == "bits"


def test_a_run_stops_at_the_first_row_that_has_the_loss(play):
    whole = play(rounds=60).rows
    goal = whole[3]["loss"]
    outcome = play(rounds=60, stop={"loss": goal})
    assert outcome.rows[-1]["round"] == 30
    assert outcome.summary["stopped_by"] == "loss"
    assert play(rounds=30).summary["stopped_by"] == "rounds"
