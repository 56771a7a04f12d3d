"""``netopt reproduce`` from its command line to the files that it leaves."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from netopt import __main__ as command_line
from netopt.reproduce import _document, _playing, _program, _study
from netopt.reproduce.dq_gd import contraction

SCHEMA = {"claim": str, "expected": (float, str), "measured": (float, str), "held": bool}
FILES = {
    *("figure.png", "figure.pdf", "results.csv", "claims.json", "REPRODUCTION.md", "study.json"),
    *("runs", "cases"),
}


@pytest.fixture
def netopt(capsys):
    """Return a function that runs the command line here and returns exit code, output, errors."""

    def call(*words):
        with pytest.raises(SystemExit) as end:
            command_line.main(["reproduce", *map(str, words)])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return call


@pytest.fixture
def short(monkeypatch):
    """Let the quick contraction study play a few R only, one of them shown in its panels."""
    monkeypatch.setattr(contraction, "QUICK", [2.0, 4.0, 6.0])


def test_a_quick_study_leaves_everything_and_is_not_played_twice(
    netopt, short, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    words = ("dq-gd/contraction", "--quick", "--driver", "lockstep", "--out", out)
    code, said, told = netopt(*words, "--check")
    assert code == 0
    assert told == "netopt: dq-gd/contraction: runs to play: 20, already there: 0\n"
    assert "claims held" in said
    assert {item.name for item in out.iterdir()} == FILES
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    claims = json.loads((out / "claims.json").read_text())
    _check_claims(claims)
    assert all(claim["held"] for claim in claims)
    _check_table(out)
    page = (out / "REPRODUCTION.md").read_text()
    assert f"## Claims: {len(claims)} of {len(claims)} held" in page
    assert "20 runs, of which 20 were played for this page" in page
    monkeypatch.setattr(_document, "draw", lambda *args: None)  # it takes the time
    code, _, told = netopt(*words)
    assert told == "netopt: dq-gd/contraction: runs to play: 0, already there: 20\n"
    assert "20 runs, of which 20 were played" in (out / "REPRODUCTION.md").read_text()


def _check_claims(claims):
    assert claims
    for claim in claims:
        assert set(claim) == {*SCHEMA, "spread"}
        assert all(isinstance(claim[name], kind) for name, kind in SCHEMA.items())
        assert claim["spread"] is None or claim["spread"] >= 0


def _check_table(out):
    """A line a series, R and round; at R = 4, 16 coordinates cost 8 bytes a round."""
    rows = list(csv.DictReader((out / "results.csv").read_text().splitlines()))
    assert len(rows) == (1 + 3 * 3) * (contraction.ROUNDS + 1)
    some = [r for r in rows if (r["series"], r["at"]) == (contraction.DQ, "4.0")]
    assert [float(r["uplink_bits"]) for r in some] == [64 * k for k in range(len(some))]
    assert {r["n"] for r in rows} == {"2"}


@pytest.mark.serial
def test_a_study_under_mpirun(netopt, monkeypatch, tmp_path):
    monkeypatch.setattr(contraction, "QUICK", [2.0, 4.0])
    monkeypatch.setattr(contraction, "ROUNDS", 20)
    code, said, _ = netopt("dq-gd/contraction", "--quick", "--out", tmp_path)
    assert code == 0
    assert "claims held" in said
    facts = json.loads((tmp_path / "study.json").read_text())
    assert facts["driver"] == "mpi"
    runs = sorted((tmp_path / "runs").iterdir())
    assert len(runs) == facts["played"] == 14
    for run in runs:
        assert json.loads((run / "manifest.json").read_text())["driver"] == "mpi"


def test_a_claim_that_does_not_hold_fails_with_check_alone(monkeypatch, tmp_path):
    found = contraction.Claim("a", 1.0, 2.0, None, False)
    monkeypatch.setattr(_program, "_one", lambda study, plan, wish: [found])
    request = _program.Request(None, True)
    wish = _program.Wish(request, tmp_path, "lockstep", None)
    assert _program.run(["dq-gd/contraction"], wish, check=False) == 0
    assert _program.run(["dq-gd/contraction"], wish, check=True) == 1


def test_ctrl_c_says_how_to_go_on(netopt, short, monkeypatch, tmp_path):
    def interrupted(plan, jobs, watch):
        raise KeyboardInterrupt

    monkeypatch.setattr(_playing, "play", interrupted)
    words = ("dq-gd/contraction", "--quick", "--driver", "lockstep", "--out", tmp_path)
    code, _, told = netopt(*words)
    assert code == 130
    assert told.splitlines()[-1] == (
        f"netopt: interrupted; the runs that are complete stay in {tmp_path / 'runs'}, and the "
        "same command goes on with the others: netopt reproduce dq-gd/contraction --quick --driver "
        f"lockstep --out {tmp_path}"
    )


REFUSED = {
    "no study": (
        (),
        f"name studies, or give --all; the studies are {', '.join(_study.names())}, and --list "
        "says what they show",
    ),
    "wrong name": (
        ("dq-gd/contractoin",),
        "no study is called 'dq-gd/contractoin'; did you mean 'dq-gd/contraction'?",
    ),
    "wrong data": (
        ("smoothness/blocks", "--data", "digit"),
        "no data set is called 'digit'; did you mean 'digits'?",
    ),
    "missing file": (
        ("smoothness/blocks", "--data", "libsvm:/none/such"),
        "cannot read the LIBSVM file '/none/such': no such file or directory",
    ),
    "data without labels": (
        ("dq-gd/contraction", "--data", "libsvm"),
        "$.problem.data: data 'libsvm' needs the path of a file, as in 'libsvm:data/a9a'",
    ),
}


@pytest.mark.parametrize(("words", "expected"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_one_line_and_nothing_is_written(
    words, expected, netopt, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, _, told = netopt(*words, "--driver", "lockstep")
    assert (code, told) == (2, f"netopt: error: {expected}\n")
    assert not any(tmp_path.iterdir())


def test_the_list_names_every_study_and_says_where_times_come_from(netopt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said, _ = netopt("--list")
    assert code == 0
    assert said.count(" ~") == 2 * len(_study.names()) + 1
    assert "estimated from the rounds" in " ".join(said.split())
    assert all(name in said for name in _program.names())


def test_the_list_tells_the_time_that_was_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = _program.find("dq-gd/contraction")
    request = _program.Request(None, True)
    count = len(study.cases(request))
    facts = _document.Facts(study.name, None, True, "mpi", count, count, 12.34, "")
    place = _program.default_place(study.name, request)
    place.mkdir(parents=True)
    (place / "study.json").write_text(json.dumps(facts._asdict()))
    assert _program._duration(study, request) == "12.3 s"


def test_data_and_size_have_folders_of_their_own():
    place = _program.default_place("smoothness/blocks", _program.Request("libsvm:/x/splice", True))
    assert place.as_posix() == "reproductions/smoothness/blocks-splice-quick"


def test_the_option_help_is_there():
    shown = CliRunner().invoke(command_line.cli, ["reproduce", "--help"]).output
    assert "Complete runs are not played again" in " ".join(shown.split())
