"""Networks are really timed; no test asks how quick they are."""

import pytest
import torch

from search_spaces import InputError, NetworkConfig, plan_network
from search_spaces.backbones import shipped
from search_spaces.latency import Conditions
from search_spaces.networks import timing
from search_spaces.networks.timing import hardware_of, measure_latency

TABLE = shipped("resnet8x0.25", 10, 1, (8, 8))
PLAN = plan_network(
    NetworkConfig(backbone=TABLE.name, num_classes=10, in_channels=1, cell_num_ratio=0.5), TABLE
)


@pytest.mark.parametrize("network", [PLAN, TABLE], ids=["served", "plain"])
def test_a_network_is_timed_and_nothing_else_changes(network, monkeypatch):
    """Threads are those asked for while it runs, and as before afterwards, as generators are."""
    seen, built, threads = [], timing.timed, torch.get_num_threads()

    def noting(run, clock):
        seen.append(torch.get_num_threads())
        return built(run, clock)

    monkeypatch.setattr(timing, "timed", noting)
    state = torch.get_rng_state()
    found = measure_latency(network, Conditions(batch=2, threads=1))
    assert 0 < found.low <= found.median <= found.high
    assert found.hardware == hardware_of("cpu") != ""
    assert seen == [1]
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_the_runs_are_of_the_batch_that_is_asked_for(monkeypatch):
    shapes = []
    monkeypatch.setattr(timing, "timed", lambda run, _: (run(), (1.0, 2.0, 3.0))[1])
    monkeypatch.setattr(timing, "build", lambda _: _Noting(shapes))
    found = measure_latency(PLAN, Conditions(batch=3))
    assert shapes == [(3, 1, 8, 8)]
    assert (found.low, found.median, found.high) == (1.0, 2.0, 3.0)


class _Noting(torch.nn.Module):
    def __init__(self, shapes):
        super().__init__()
        self.shapes = shapes

    def forward(self, images):
        assert not self.training
        assert torch.is_inference_mode_enabled()
        self.shapes.append(tuple(images.shape))
        return images


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="cuda") as caught:
        measure_latency(PLAN, Conditions(device="cuda"))
    assert "device = 'cpu'" in caught.value.cure


@pytest.mark.slow
def test_a_graph_is_timed_in_onnx_runtime():
    found = measure_latency(PLAN, Conditions(runtime="onnxruntime"))
    assert 0 < found.low <= found.median <= found.high
