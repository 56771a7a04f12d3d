"""What the libraries wrote is read as they meant it, and anything else is no testimony."""

from __future__ import annotations

import os
import shutil

import pytest

from netopt.audit import _libfabric, _monitoring
from netopt.audit._witness import Absence, Count

from .conftest import AGENTS, RECORDED

FRAME = 32 + 40 * 8
RING = [(0, 1), (1, 2), (2, 0)]


def copy(folder, pattern):
    for file in RECORDED.glob(pattern):
        shutil.copy(file, folder)
    return folder


def test_messages_between_two_ranks_are_the_frames_and_a_byte_for_the_books(heard):
    frames = {edge: Count(4, 4 * FRAME) for edge in RING}
    frames[2, 0] = Count(5, 4 * FRAME + 1)
    frames[1, 0] = Count(1, 1)
    assert heard.messages == frames


def test_what_travels_within_collectives_is_apart(heard):
    """The root hears the estimates of both others before the first round and after the last."""
    assert set(heard.collective) >= {(0, 1), (0, 2), (1, 0), (2, 0)}
    assert all(heard.collective[i, 0].bytes >= 2 * 40 * 8 for i in (1, 2))
    assert not set(heard.messages) & {(0, 2), (2, 1)}


def test_libfabric_knows_which_messages_are_answered():
    heard = _libfabric.read(RECORDED, AGENTS)
    assert heard.large[0, 1] >= 4
    assert heard.large[2, 0] >= 4 + 2  # the estimates are large as well


@pytest.mark.parametrize("size", [65_522, 65_523])
def test_open_mpi_tells_which_messages_meet_first_by_their_mean_size(tmp_path, size):
    line = f"E\t0\t1\t{3 * size} bytes\t3 msgs sent\t0,0\nI\t0\t1\t9 bytes\t2 msgs sent\n"
    (tmp_path / "monitoring.0.prof").write_text(line)
    (tmp_path / "monitoring.1.prof").write_text("# POINT TO POINT\n")
    heard = _monitoring.read(tmp_path, 2)
    assert heard.messages == {(0, 1): Count(3, 3 * size)}
    assert heard.collective == {(0, 1): Count(2, 9)}
    assert heard.large == {(0, 1): 3 if size > 65_522 else 0}


def test_a_rank_that_left_no_file_is_named(library, tmp_path):
    copy(tmp_path, "*.[02].*")
    with pytest.raises(Absence, match=r"left no file of rank 1$"):
        library.read(tmp_path, AGENTS)
    with pytest.raises(Absence, match=r"left no file of ranks 1, 3, 4$"):
        library.read(tmp_path, 5)


def test_an_mpich_without_the_hook_is_told_apart_from_one_that_sent_nothing(tmp_path):
    for rank in range(2):
        (tmp_path / f"libfabric.{rank}.log").write_text("")
    with pytest.raises(Absence, match="MPICH counts nothing itself"):
        _libfabric.read(tmp_path, 2)
    for rank in range(2):
        (tmp_path / f"libfabric.{rank}.log").write_text("<trace> Installing trace hook\n")
    assert _libfabric.read(tmp_path, 2).messages == {}


def test_a_message_by_an_unknown_protocol_is_not_passed_over(tmp_path):
    copy(tmp_path, "libfabric.*")
    file = tmp_path / "libfabric.1.log"
    text = file.read_text()
    assert "tag 0xf800000000" in text
    file.write_text(text.replace("tag 0xf800000000", "tag 0x10000f800000000", 1))
    with pytest.raises(Absence, match="rank 1 got a message by a protocol"):
        _libfabric.read(tmp_path, AGENTS)


def test_bytes_that_are_no_text_do_no_harm(tmp_path):
    """libfabric prints what lies in memory where it has no message of an error."""
    copy(tmp_path, "libfabric.*")
    with (tmp_path / "libfabric.0.log").open("ab") as file:
        file.write(
            b"libfabric:1:1::tcp:cq:trace_cq_readerr():1198<trace> ctx 0x7f flags 0x408, len 9 buf "
            b"(nil) data 0x0 tag 0x0 olen 0 err 42 (No message) prov_errno 0 (\xff\xfe\x00)\n"
        )
    assert _libfabric.read(tmp_path, AGENTS) == _libfabric.read(RECORDED, AGENTS)


def test_what_mpi_itself_says_is_not_lost_among_the_traces(tmp_path):
    """Where MPI does not even start, this is all that there is."""
    copy(tmp_path, "libfabric.*")
    assert _libfabric.complaints(tmp_path) == []
    with (tmp_path / "libfabric.1.log").open("a") as file:
        file.write("Abort(15) on node 1: Fatal error in internal_Init:\n(333): nic=lo\n")
    said = ["Abort(15) on node 1: Fatal error in internal_Init:", "(333): nic=lo"]
    assert _libfabric.complaints(tmp_path) == said


@pytest.mark.parametrize(
    "line", ["E\t0\t1\tmany bytes\t4 msgs sent", "E\t1\t0\t9 bytes\t4 msgs sent", "E\t0"]
)
def test_a_line_of_monitoring_that_means_nothing_is_not_passed_over(tmp_path, line):
    (tmp_path / "monitoring.0.prof").write_text(f"# POINT TO POINT\n{line}\n")
    with pytest.raises(Absence, match="a line that means nothing"):
        _monitoring.read(tmp_path, 1)


@pytest.mark.parametrize(
    ("chosen", "layer"), [("ob1", "ob1,monitoring"), ("^cm,ucx", None), (None, None)]
)
def test_whoever_names_a_messaging_layer_gets_the_one_that_watches_too(
    monkeypatch, tmp_path, chosen, layer
):
    monkeypatch.delenv("OMPI_MCA_pml", raising=False)
    if chosen is not None:
        monkeypatch.setitem(os.environ, "OMPI_MCA_pml", chosen)
    assert _monitoring.variables(tmp_path).get("OMPI_MCA_pml") == layer
