"""A study's task that is a person's own function; torch is loaded with this file."""

import random
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from search_spaces import Backbone, InputError, KwsearchError
from search_spaces.networks import plain_of
from trials.checkpoints import Checkpoints
from trials.fidelity import Ladder
from trials.records import Job, Measurement, Report, Trial, Verdict
from trials.tasks.classification.checkpoint import Checkpoint, latest, write_checkpoint
from trials.tasks.classification.starting import started
from trials.tasks.contract import Quality, Shapes, identity_of
from trials.tasks.own.function import Given, Named, Received, called, taken
from trials.tasks.own.reporting import Over, Reporter
from trials.tasks.own.state import Place, PlainPlace, State, TrialPlace


@dataclass(frozen=True, slots=True)
class OwnTask:
    """Measures the trials and baselines of a study by a function; a `trials.tasks.contract.Task`.

    The function is called as ``function(network, report)``: the network is built, in training mode
    and starts with cells assigned, so that it needs no temperature. The global generators of torch,
    NumPy and Python are seeded for it and given back as they were.

    Attributes:
        function: what measures.
        name: of the function, for messages.
        identity: of the task.
        shapes: of the networks.
        quality: what is reported.
        ladder: epochs after which the search is told.
        backbone: table of the study's network.
        checkpoints: where states of trials lie.
        folder: where states of plain networks lie.
        threads: CPU threads for torch; None leaves them as they are.
        device: where the network is handed over, in torch's words.
    """

    function: Named | Given | Received
    name: str
    identity: str
    shapes: Shapes
    quality: Quality
    ladder: Ladder
    backbone: Backbone
    checkpoints: Checkpoints
    folder: Path
    threads: int | None = None
    device: str = "cpu"

    @property
    def qualities(self) -> tuple[Quality, ...]:
        """The one that counts; what is reported beside it is kept."""
        return (self.quality,)

    def __call__(self, job: Job, report: Report, /) -> None:
        """Build the network of a job and let the function train and measure it.

        A function that takes ``state`` goes on where an earlier attempt was lost. Weights are kept
        at the top rung: those that the network has then.

        Raises:
            InputError: the function is not there, raises, or reports what it should not.
            NonFiniteError: it reports a value that is not finite.
            StorageError: a state cannot be written.
        """
        identity = identity_of(task=self.identity, network=job.digest, seed=job.seed)
        place = self._place(job, identity)
        found = latest(place.newest_first(), identity) if place is not None else None
        if found is not None and _is_over(found, report, self.ladder.top):
            return
        with _surroundings(job.seed, self.threads):
            function = self.function.get()
            network, state = self._network(job), State(None if found is None else found.tensors)

            def keep(epoch: int, measured: Sequence[Measurement], seconds: float) -> None:
                saved = network.state_dict() if epoch == self.ladder.top else state.take()
                if place is not None and saved is not None:
                    kept = Checkpoint(identity, epoch, epoch, seconds, tuple(measured), saved)
                    write_checkpoint(place.path(epoch), kept)
                    place.thin()

            reporter = Reporter(
                name=self.name,
                quality=self.quality.name,
                ladder=self.ladder,
                tell=report,
                keep=keep,
                told=found.measurements if found is not None else (),
                earlier=found.seconds if found is not None else 0.0,
            )
            offered = {"state": state, "seed": job.seed, "device": torch.device(self.device)}
            wanted = {name: offered[name] for name in taken(function)}
            with _explained(self.name):
                called(function, network, reporter, **wanted)
        reporter.require_top()

    def _network(self, job: Job) -> nn.Module:
        trial = job if isinstance(job, Trial) else job.repeats
        if trial is None:
            assert not isinstance(job, Trial)  # noqa: S101 - or it would be the trial
            torch.manual_seed(job.seed)
            network = plain_of(job.backbone)
        else:
            network = started(
                trial.config, self.backbone, attention_start="assigned", seed=job.seed
            )
        return network.train().to(self.device)

    def _place(self, job: Job, identity: str) -> Place | None:
        """Where states of a job lie; None for a repeat, which keeps none."""
        if isinstance(job, Trial):
            return TrialPlace(self.checkpoints, job.number)
        return None if job.repeats is not None else PlainPlace(self.folder, identity)


def _is_over(found: Checkpoint, report: Report, top: int) -> bool:
    """Tell what an earlier attempt has measured again, as nobody knows which of it arrived."""
    stopped = [report(measured) is Verdict.STOP for measured in found.measurements]
    return any(stopped) or found.epoch == top


@contextmanager
def _surroundings(seed: int, threads: int | None) -> Iterator[None]:
    """Global generators seeded, and threads set, for a while."""
    before, numpy, python = torch.get_num_threads(), np.random.get_state(), random.getstate()  # noqa: NPY002 - people's code uses it
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 - likewise
        random.seed(seed)
        if threads:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            np.random.set_state(numpy)  # noqa: NPY002 - likewise
            random.setstate(python)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Say where a function failed; want of memory and time keep the errors that tell of them."""
    try:
        yield
    except Over:
        return
    except (KwsearchError, MemoryError, TimeoutError):
        raise
    except Exception as error:
        if "memory" in f"{type(error).__name__} {error}".lower():
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        told = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name} failed at {Path(last.filename).name}, line {last.lineno}, with "
            f"{type(error).__name__}: {told or 'no message'}.",
            "Mend the function, and try it on one network.",
        ) from error
