"""A network as a training begins with it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from search_spaces import Backbone, NetworkConfig, Plan
from search_spaces.networks import assign_cells, build, read_tensors, start_from
from trials.errors import DamagedDataError
from trials.files import file_sha256
from trials.tasks.classification.recipe import AttentionStart


@dataclass(frozen=True, slots=True)
class Start:
    """A trained plain network that trainings begin from; small, and to be handed to whoever trains.

    Attributes:
        path: of its weights, absolute; see `search_spaces.networks.read_tensors`.
        sha256: of the file.
        identity: tells trainings from this start and from others apart.
    """

    path: Path
    sha256: str
    identity: str

    def tensors(self) -> dict[str, Tensor]:
        """The weights, read once a process.

        Raises:
            InputError: there is no such file, or it holds no tensors.
            DamagedDataError: it is not the file that it was.
        """
        return _read(self)

    def put_into(self, network: nn.Module, *, assigned: bool) -> None:
        """Start a network from the plain one, in place.

        Args:
            network: one that `build` made.
            assigned: whether attention starts with cells assigned.

        Raises:
            InputError: see `search_spaces.networks.start_from`.
        """
        start_from(network, self.tensors(), assigned=assigned)


@dataclass(frozen=True, slots=True)
class TrainedStart(Start):
    """Weights of the very network, as an earlier training left them."""

    def put_into(self, network: nn.Module, *, assigned: bool) -> None:
        """Load them, attention included.

        Raises:
            DamagedDataError: they are of another network.
        """
        del assigned
        try:
            network.load_state_dict(self.tensors())
        except RuntimeError as error:
            reason = next(iter(str(error).splitlines()), "")
            raise DamagedDataError(
                f"{self.path} is not of this network: {reason}", "Train from another folder."
            ) from None


def started(
    config: NetworkConfig | Plan,
    backbone: Backbone | None = None,
    *,
    attention_start: AttentionStart,
    seed: int,
    start: Start | None = None,
    way: str = "auto",
) -> nn.Module:
    """Build a network with the weights that its training begins with.

    Args:
        config: what to build.
        backbone: the table to plan on; the shipped one of the config's name if None.
        attention_start: ``"assigned"`` gives every piece of a kernel a cell to begin with.
        seed: everything random follows from it. It is that of torch's global generator, which goes
            on from there.
        start: what to start from; None to start from scratch.
        way: name of the way in which every layer is computed.

    Raises:
        InputError: see `build` and `start_from`.
        InfeasibleError: see `build`.
        DamagedDataError: the file to start from has changed.
    """
    torch.manual_seed(seed)
    network = build(config, backbone, way=way)
    if attention_start == "assigned":
        assign_cells(network)
    if start is not None:
        start.put_into(network, assigned=attention_start == "assigned")
    return network


@lru_cache(maxsize=1)
def _read(start: Start) -> dict[str, Tensor]:
    tensors = read_tensors(start.path)
    if file_sha256(start.path) != start.sha256:
        raise DamagedDataError(
            f"{start.path}, which trainings start from, is not as it was.",
            "Put the old file back, or start a new study.",
        )
    return tensors
