"""Each command is one call of the API, and every end has its exit code."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from kwsearch import api
from kwsearch.cli import app
from kwsearch.presets import PRESETS
from kwsearch.settings import StudySettings, load_study
from search_spaces.errors import InfeasibleError, InputError
from trials import errors

RECORD = SimpleNamespace(
    name="first",
    finished=3,
    seconds=61.0,
    refused={"known": 2},
    spec=SimpleNamespace(trials=4, settings={}),
    created_at=datetime(2026, 11, 24, tzinfo=UTC),
)
NO_WEIGHTS = (
    "holds no weights: none are kept of this trial, or they lie neither in runs here nor beside "
    "the database. Train it: kwsearch train"
)
PAYS = "KernelWarehouse pays here."
FRONT = [
    {
        "trial": 1,
        "params": 20_000,
        "accuracy": 0.5,
        "seeds": 1,
        "config": {"cell_num_ratio": 1.0},
    }
]
ANSWERS = {
    "simulate": {
        "remarks": ["It is a simulation."],
        "front": FRONT,
        "history": [{"trials": 1, "epochs": 9, "hypervolume": 0.4, "share": 0.5}],
        "epochs": 9,
        "hypervolume": 0.4,
        "best_hypervolume": 0.8,
        "share": 0.5,
    },
    "search": RECORD,
    "resume": RECORD,
    "init": "[space]\n",
    "plan": FRONT,
    "count": {"params": 20_000},
    "studies": [{"study": "first"}],
    "status": {"study": "first"},
    "front": FRONT,
    "best": FRONT[0],
    "export": Path("out"),
    "export_ladder": [
        {"rung": "1x", "max_params": 10, "trial": None, "folder": None},
        {"rung": "2x", "max_params": 20, "trial": 3, "folder": "2x"},
        {"rung": "4x", "max_params": 40, "trial": 3, "folder": "2x"},
    ],
    "verify": {"folder": "out", "checked": []},
    "trials": FRONT,
    "parquet": Path("out.parquet"),
    "show": {"trial": 7},
    "compare": [{"fact": "study", "a": "first", "b": "second"}],
    "report": Path("out.html"),
}


@pytest.fixture
def calls(monkeypatch):
    """What the API was asked, in order; it answers as `ANSWERS` says."""
    asked = []

    def answer(verb):
        def call(*args, **options):
            asked.append((verb, args, options))
            return ANSWERS[verb]

        return call

    for verb in ANSWERS:
        monkeypatch.setattr(api, verb, answer(verb))
    monkeypatch.setattr(api, "repeats", lambda *_, **__: {"sentence": None})
    monkeypatch.setattr(api, "pays", lambda *_, **__: {"sentence": PAYS})  # whoever shows a front
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)
    return asked


def run(*words):
    return CliRunner().invoke(app, words)


def kwsearch(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "kwsearch", *words],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.parametrize(
    ("words", "args", "options"),
    [
        ("init cifar10", ("cifar10",), {}),
        (
            "plan quickstart --params 1.5M --count 3 --seed 7",
            ("quickstart",),
            {"params": 1_500_000, "number": 3, "seed": 7, "references": True},
        ),
        (
            "plan quickstart --json",
            ("quickstart",),
            {"params": None, "number": 20, "seed": 0, "references": False},
        ),
        (
            "plan quickstart --csv --references",
            ("quickstart",),
            {"params": None, "number": 20, "seed": 0, "references": True},
        ),
        (
            "simulate quickstart --table a.parquet --trials 5 --seed 2 --workers 3",
            ("quickstart", Path("a.parquet")),
            {"trials": 5, "seed": 2, "workers": 3},
        ),
        ("count kw1x_resnet18", ("kw1x_resnet18",), {"start": None, "trust_code": False}),
        ("studies --database a.db", (), {"database": "a.db"}),
        ("status first", ("first",), {"database": None, "hypervolume": "log"}),
        (
            "front first --max-params 300k --min-accuracy 0.9 --knee",
            ("first",),
            {
                "database": None,
                "max_params": 300_000,
                "max_macs": None,
                "max_latency": None,
                "min_accuracy": 0.9,
                "knee": True,
            },
        ),
        (
            "best first --max-params 6M",
            ("first",),
            {
                "max_params": 6_000_000,
                "max_macs": None,
                "max_latency": None,
                "within": None,
                "sure": False,
                "database": None,
            },
        ),
        (
            "best first --within 0.5%",
            ("first",),
            {
                "max_params": None,
                "max_macs": None,
                "max_latency": None,
                "within": 0.005,
                "sure": False,
                "database": None,
            },
        ),
        ("trials first", ("first",), {"database": None}),
        ("show first 7", ("first", 7), {"database": None}),
        ("compare first second", ("first", "second"), {"database": None, "hypervolume": "log"}),
        (
            "compare first:1 first:2 --csv",
            ("first:1", "first:2"),
            {"database": None, "hypervolume": "log"},
        ),
        ("report first", ("first",), {"output": None, "database": None, "hypervolume": "log"}),
        (
            "report first -o out.html --database a.db",
            ("first",),
            {"output": Path("out.html"), "database": "a.db", "hypervolume": "log"},
        ),
        (
            "export first --trial 7 -o out",
            ("first",),
            {
                "folder": Path("out"),
                "trial": 7,
                "max_params": None,
                "max_latency": None,
                "sure": False,
                "onnx": False,
                "trust_code": False,
                "database": None,
            },
        ),
        (
            "export first --max-params 300k --output out --onnx",
            ("first",),
            {
                "folder": Path("out"),
                "trial": None,
                "max_params": 300_000,
                "max_latency": None,
                "sure": False,
                "onnx": True,
                "trust_code": False,
                "database": None,
            },
        ),
        ("verify out --json", (Path("out"),), {}),
    ],
)
def test_words_become_one_call(calls, words, args, options):
    ended = run(*words.split())
    assert ended.exit_code == 0, ended.output
    assert calls == [(words.split()[0], args, options)]


def test_a_ladder_prints_its_folders_and_tells_what_is_not_there(calls):
    ended = run("export", "first", "--ladder", "1x,2x,4x", "-o", "out")
    assert ended.exit_code == 0, ended.output
    wanted = {
        "folder": Path("out"),
        "sizes": "1x,2x,4x",
        "onnx": False,
        "trust_code": False,
        "database": None,
    }
    assert calls == [("export_ladder", ("first",), wanted)]
    assert ended.stdout == f"{Path('out/2x')}\n"
    assert ended.stderr.splitlines() == [
        "1x: no complete trial has at most 10 parameters.",
        f"{Path('out/2x')} {NO_WEIGHTS} {Path('out/2x')}",
        "4x: trial 3 is the best here too, see 2x.",
    ]


@pytest.mark.parametrize("verb", ["search", "resume"])
def test_a_search_ends_with_its_front(calls, verb):
    ended = run(verb, "first", "--trials", "4", "--database", "a.db", "--json")
    assert ended.exit_code == 0, ended.output
    (first, args, options), second = calls
    assert (first, args) == (verb, ("first",))
    assert callable(options.pop("watch"))
    assert callable(options.pop("watch_baselines"))
    assert verb == "resume" or callable(options.pop("tell"))
    options.pop("name", None)
    own = {"steal": False} if verb == "resume" else {"seed_from": None, "replace": False}
    assert options == {"database": "a.db", "trials": 4, **own}
    assert second == ("front", ("first",), {"database": "a.db"})
    assert json.loads(ended.stdout) == FRONT
    assert "first: 3 of 4 trials, 1 min of training, 2 proposals turned down" in ended.stderr
    assert ended.stderr.splitlines()[-1] == PAYS


def test_a_study_file_is_read_before_anything_is_loaded(calls, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[space]\nbackbone = "resnet8"\n')
    assert run("search", str(path)).exit_code == 0
    study = calls[0][1][0]
    assert isinstance(study, StudySettings)
    assert study.name == "mine"


def test_the_database_may_be_named_by_the_environment(calls, monkeypatch):
    monkeypatch.setenv("KWSEARCH_DATABASE", "b.db")
    assert run("studies").exit_code == 0
    assert calls == [("studies", (), {"database": "b.db"})]


@pytest.mark.parametrize(
    "words",
    [
        "frnt x",
        "front",
        "front x --min-accuracy 90",
        "front x --max-params 3x",
        "front x --json --csv",
        "front ../x",
        "search quickstart --trials 0",
        "search quickstart --name a/b",
        "plan quickstart --params -5",
        "export first -o out",
        "show first",
        "show first -1",
        "compare first ../x",
        "report ../x",
        "export first --trial 1 --max-params 6M -o out",
        "export first --trial 1 --ladder 1x -o out",
        "best first --within 0.5",
        "best first --within 101%",
        "verify",
    ],
)
def test_what_cannot_be_meant_ends_with_2(calls, words):
    ended = run(*words.split())
    assert ended.exit_code == 2
    assert ended.stderr
    assert ended.stdout == ""
    assert calls == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("It is wrong.", "Mend it."), 2),
        (InfeasibleError("It is wrong.", "Mend it."), 2),
        (errors.StorageError("It is wrong.", "Mend it."), 3),
        (errors.StudyBusyError("It is wrong.", "Mend it."), 4),
        (errors.InterruptedSearchError("It is wrong.", "Mend it."), 5),
        (errors.NothingFeasibleError("It is wrong.", "Mend it."), 6),
        (errors.DamagedDataError("It is wrong.", "Mend it."), 7),
    ],
)
def test_an_error_ends_in_its_way(monkeypatch, error, code):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(api, "front", fail)
    ended = run("front", "first")
    assert ended.exit_code == code
    assert ended.stderr == "error: It is wrong.\nMend it.\n"
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("error", "code", "part"),
    [
        (KeyboardInterrupt(), 5, "Interrupted."),
        (OSError(28, "No space left on device", "runs/x"), 3, "No space left on device (runs/x)."),
    ],
)
def test_what_comes_from_outside_has_an_exit_code(monkeypatch, error, code, part):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(api, "front", fail)
    ended = run("front", "first")
    assert ended.exit_code == code
    assert part in ended.stderr


@pytest.mark.parametrize("name", PRESETS)
def test_a_printed_preset_is_the_preset(tmp_path, name):
    path = tmp_path / "other.toml"
    path.write_text(run("init", name).stdout)
    assert load_study(path) == PRESETS[name]()


@pytest.mark.parametrize("verb", ["search", "plan"])
def test_a_bad_study_file_ends_with_2_and_all_its_faults(tmp_path, verb):
    (tmp_path / "bad.toml").write_text(
        '[space]\nbackbone = "resnet8"\nreducton = 1\n'
        "[search]\ntrials = nan\n[proxy]\nepochs = [3, 1]\n"
    )
    ended = kwsearch(verb, "bad.toml", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    lines = ended.stderr.splitlines()
    assert [line.split(": ")[:3] for line in lines[:-1]] == [
        ["error", "bad.toml", "space.reducton"],
        ["error", "bad.toml", "proxy.epochs"],
        ["error", "bad.toml", "search.trials"],
    ]
    assert "kwsearch init" in lines[-1]
    assert [*tmp_path.iterdir()] == [tmp_path / "bad.toml"]


def test_no_database_ends_with_3_and_creates_none(tmp_path):
    ended = kwsearch("studies", cwd=tmp_path)
    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) == 2
    assert [*tmp_path.iterdir()] == []


def test_a_reader_that_goes_away_is_no_error():
    words = [sys.executable, "-m", "kwsearch", "init", "quickstart"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_terminal_without_unicode_still_gets_tables():
    ended = kwsearch(
        "plan", "quickstart", "--count", "2", env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert ended.returncode == 0, ended.stderr
    assert "params" in ended.stdout
