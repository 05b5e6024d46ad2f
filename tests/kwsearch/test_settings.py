"""A study file is checked as a whole, and what is written can be read back."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kwsearch import settings
from kwsearch.settings import RatioRange, StudySettings, from_plain, load_study, to_plain, to_toml
from search_spaces.errors import InputError
from trials.names import NAME
from trials.tasks.classification.catalogue import NAMES

MINIMAL = '[space]\nbackbone = "resnet20"\n'


def refusal(path: Path, text: str | bytes) -> str:
    """The cause that a file with ``text`` is refused for."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InputError) as found:
        load_study(path)
    assert found.value.exit_code == 2
    assert found.value.cure
    assert str(path) in found.value.cause
    return found.value.cause


def ratios(most: float) -> st.SearchStrategy[Any]:
    one = st.floats(1e-6, most, allow_nan=False)
    pair = st.tuples(one, one).filter(lambda ends: ends[0] < ends[1])
    ranges = st.builds(
        lambda ends, log: RatioRange(low=ends[0], high=ends[1], log=log), pair, st.booleans()
    )
    return one | st.lists(one, min_size=1, max_size=4, unique=True).map(tuple) | ranges


def words(known: tuple[str, ...]) -> st.SearchStrategy[Any]:
    one = st.sampled_from(known)
    return one | st.lists(one, min_size=1, unique=True).map(tuple)


LIMIT = st.none() | st.integers(1, 10**12)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
STUDIES = st.builds(
    StudySettings,
    name=st.from_regex(NAME, fullmatch=True),
    space=st.builds(
        settings.SpaceSettings,
        backbone=st.sampled_from(["resnet8", "resnet20x2", "package.module:function"]),
        granularity=st.sampled_from(["network", "stage"]),
        cell_num_ratio=ratios(1024),
        cell_inplane_ratio=ratios(1),
        reduction=ratios(1),
        sharing_range=words(("none", "layer", "stage", "network")),
        spatial_partition=st.sampled_from([True, False, (True, False)]),
    ),
    budget=st.builds(settings.BudgetSettings, max_params=LIMIT, max_macs=LIMIT),
    proxy=st.builds(
        settings.ProxySettings,
        data=st.sampled_from(NAMES) | TEXT.map("/".__add__),
        folder=st.none() | TEXT,
        image_size=st.none() | st.integers(4, 1024),
        epochs=st.lists(st.integers(1, 300), min_size=1, max_size=5, unique=True).map(
            lambda rungs: tuple(sorted(rungs))
        ),
        learning_rate=st.floats(1e-9, 100),
        flip=st.booleans(),
    ),
    search=st.builds(settings.SearchSettings, seed=st.integers(0, 2**32 - 1)),
    execution=st.builds(settings.ExecutionSettings, threads=st.none() | st.integers(1, 64)),
)


@given(STUDIES)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, study: StudySettings
) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.toml"
    path.write_text(to_toml(study), encoding="utf-8", newline="")
    assert load_study(path) == study


@given(STUDIES)
def test_plain_values_are_read_back(study: StudySettings) -> None:
    assert from_plain(to_plain(study)) == study


def test_every_setting_is_described_and_written() -> None:
    study = StudySettings.model_validate({"space": {"backbone": "resnet20"}})
    text = to_toml(study)
    for name, section in StudySettings.model_fields.items():
        assert section.description
        if name == "name":
            continue
        assert f"\n[{name}]\n" in text
        for key, field in type(getattr(study, name)).model_fields.items():
            assert field.description, f"{name}.{key} says nothing of itself"
            assert f"\n{key} = " in text or f"\n# {key} =\n" in text


def test_a_study_is_called_like_its_file(tmp_path: Path) -> None:
    path = tmp_path / "first.study.toml"
    path.write_text(MINIMAL)
    assert load_study(path).name == "first.study"
    path.write_text(f'name = "other"\n{MINIMAL}')
    assert load_study(path).name == "other"


def test_quantities_and_fractions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        MINIMAL + 'cell_num_ratio = {low = "1/8", high = 4, log = true}\n'
        'reduction = ["1/16", 0.125]\n[budget]\nmax_params = "300k"\nmin_params = 20_000\n'
    )
    study = load_study(path)
    assert study.space.cell_num_ratio == RatioRange(low=0.125, high=4.0, log=True)
    assert study.space.reduction == (0.0625, 0.125)
    assert (study.budget.max_params, study.budget.min_params) == (300_000, 20_000)


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    cause = refusal(
        tmp_path / "study.toml",
        """
        nam = 3
        [space]
        backbone = "resnet21"
        granularty = "stage"
        cell_num_ratio = {low = 4, high = 1, lgo = true}
        cell_inplane_ratio = [0.5, 2, "x", nan]
        sharing_range = ["none", "stge"]
        reduction = 1e400
        spatial_partition = 1
        [budget]
        max_params = "30x"
        max_macs = "1M"
        min_macs = "2M"
        [proxy]
        data = "digit"
        epochs = [1, 3, 9]
        learning_rate = inf
        batch_size = 1
        momentum = "a"
        warmup_epochs = 9
        [search]
        sampler = "tp"
        trials = 1.5
        seed = -1
        [execution]
        executor = "rey"
        workers = 0
        gpus_per_trial = 1.5
        address = "cluster"
        [executon]
        """,
    )
    for part in (
        "nam: unknown key. Did you mean 'name'?",
        "space.backbone: 'resnet21' is not a shipped backbone",
        "space.granularty: unknown key. Did you mean 'granularity'?",
        "unknown key 'lgo'. Did you mean",
        "low 4 is not below high 1",
        "space.cell_inplane_ratio: 2 is above 1. The nearest valid value is 1. 'x' is not",
        "'nan' is not a positive ratio",
        "space.sharing_range: 'stge' is none of none, layer, stage, network. Did you mean 'stage'?",
        "space.reduction: 'inf' is not a positive ratio",
        "space.spatial_partition: 1 is neither true nor false",
        "budget.max_params: '30x' is not a quantity",
        "budget.min_macs: 2000000 is above max_macs = 1000000",
        "proxy.data: 'digit' is none of digits",
        "proxy.warmup_epochs: 9 is not below the 9 epochs of a full trial",
        "proxy.learning_rate: inf must be a finite number",
        "proxy.batch_size: 1 must be greater than or equal to 2. The nearest valid value is 2",
        "proxy.momentum: 'a' must be a number",
        "search.sampler: 'tp' is none of tpe, nsga2, gp, exact, random, qmc. Did you mean 'tpe'?",
        "search.trials: 1.5 must be an integer",
        "search.seed: -1 must be greater than or equal to 0",
        "execution.executor: 'rey' is none of serial, ray. Did you mean 'ray'?",
        "execution.workers: 0 must be greater than or equal to 1",
        "execution.gpus_per_trial: 1.5 is no whole number of GPUs",
        "execution.address: 'cluster' is not of the form 'host:port'",
        "executon: unknown key. Did you mean 'execution'?",
    ):
        assert part in cause
    assert all(line.startswith(str(tmp_path)) for line in cause.splitlines())


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "space: missing"),
        (MINIMAL + 'backbone = "resnet8"', "'backbone' is given twice"),
        (MINIMAL + "[search]\n[budget]\n[search]\n", "'[search]' is given twice"),
        (b"\xef\xbb\xbf[space]", "byte order mark"),
        (MINIMAL.encode("utf-16"), "byte order mark"),
        (b'[space]\nbackbone = "\xe9"', "line 2 has a byte 0xe9 that is not UTF-8"),
        ("[space", "this is not TOML"),
        ("space = 3", "space: 3"),
        ("a = " + "9" * 100_000, "out of all bounds"),
        (f"{MINIMAL}[search]\nseed = {'9' * 4000}", "search.seed"),
        ("\x00", "this is not TOML"),
        (MINIMAL + "spatial_partition = []", "leaves nothing to choose from"),
        (MINIMAL + "reduction = [0.5, 0.5]", "0.5 is given twice"),
        (MINIMAL + "[proxy]\nepochs = []", "proxy.epochs"),
        (MINIMAL + "[proxy]\nepochs = [3, 1]", "The nearest valid value is [1, 3]"),
        (MINIMAL + 'name.x = "a"', "space.name: unknown key"),
        (f'name = "../x"\n{MINIMAL}', "name: '../x' is not a study name"),
        (f'name = "{"x" * 101}"\n{MINIMAL}', "is not a study name"),
        (f'name = "a\\u0000"\n{MINIMAL}', "is not a study name"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, text: str | bytes, part: str) -> None:
    assert part in refusal(tmp_path / "study.toml", text)


DEPTH = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * DEPTH + "]" * DEPTH,
        "a = " + "{a=" * DEPTH + "}" * DEPTH,
        "a." * DEPTH + "a = 1",
        "[" + '"a" . ' * DEPTH + "a]",
        '"' * 1_000_000,
        "x-" * 500_000,
        "\n".join(f"a{i}=1" for i in range(DEPTH // 2)),
        MINIMAL + "reduction = [" + "{}," * (3 * DEPTH) + "]",
    ],
    ids=[
        "arrays",
        "tables",
        "keys",
        "headers",
        "quotes",
        "one long key",
        "many keys",
        "many values",
    ],
)
def test_no_file_keeps_the_reader_busy(tmp_path: Path, text: str) -> None:
    start = time.process_time()
    cause = refusal(tmp_path / "study.toml", text)
    assert time.process_time() - start < 3  # 0.1 to 0.8 s alone
    assert len(cause) < 100_000


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.touch()
    os.truncate(path, 10**9)
    start = time.process_time()
    with pytest.raises(InputError, match="1,000,000,000 bytes"):
        load_study(path)
    assert time.process_time() - start < 1


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, part in (
        (tmp_path, "is a folder"),
        (tmp_path / "absent.toml", "There is no file"),
        (pipe, "is not a regular file"),
        (Path("a\x00b"), "cannot be read"),
    ):
        with pytest.raises(InputError, match=part):
            load_study(path)


@pytest.mark.parametrize(
    "key", ["workers = 2", "address = 'a:1'", "trial_timeout = 5.0", "epoch_timeout = 5.0"]
)
def test_what_needs_other_processes_is_refused_without_ray(tmp_path: Path, key: str) -> None:
    path = tmp_path / "study.toml"
    assert "et executor = 'ray'" in refusal(path, MINIMAL + f"[execution]\n{key}")
    path.write_text(MINIMAL + f"[execution]\nexecutor = 'ray'\n{key}", encoding="utf-8")
    assert load_study(path).execution.executor == "ray"


OWN = 'backbone = "my_nets.small:net"'


@pytest.mark.parametrize("key", ["trial_timeout = 5.0", "epoch_timeout = 5.0"])
def test_time_limits_fit_wherever_trials_run_in_processes_of_their_own(
    tmp_path: Path, key: str
) -> None:
    """A person's own code does without being told to, and is advised by what it is told."""
    path, own = tmp_path / "study.toml", MINIMAL.replace('backbone = "resnet20"', OWN)
    assert OWN in own
    for text, executor in ((own, "serial"), (MINIMAL, "isolate"), (MINIMAL, "ray")):
        more = {"serial": "", "isolate": "isolate = true", "ray": "executor = 'ray'"}[executor]
        path.write_text(f"{text}[execution]\n{more}\n{key}\n", encoding="utf-8")
        assert load_study(path).execution.model_dump()[key.split(maxsplit=1)[0]] == 5
    told = refusal(path, MINIMAL + f"[execution]\n{key}")
    assert (
        f"{key.split(maxsplit=1)[0]} = 5 can only end trials that run in processes of their own"
        in told
    )
    assert "Set isolate = true, or set executor = 'ray'" in told
    assert "Remove isolate = false" in refusal(path, own + f"[execution]\nisolate = false\n{key}")
