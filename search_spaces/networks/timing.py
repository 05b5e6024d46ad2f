"""Measures how long a network takes, before anybody has trained it."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, thread_time

import torch
from torch import Tensor, nn

from search_spaces.errors import InputError
from search_spaces.latency import Conditions, Latency, processor, timed
from search_spaces.networks.build import build, plain_of
from search_spaces.networks.graphs import INPUT, require_onnx, write_graph
from search_spaces.sites import Backbone
from search_spaces.warehouse import Plan

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def measure_latency(network: Plan | Backbone, conditions: Conditions) -> Latency:
    """Seconds that a network takes for a batch: the median and quartiles of its quietest block.

    On one CPU thread the clock is that thread's own, which stands still while other programs have
    the core; elsewhere it is the wall's. The network has the weights that it is built with, which
    change nothing about its time. The generators of torch and its number of threads are given back
    as they were.

    Args:
        network: a plan, or the table of a plain network.
        conditions: what it is measured under; the size of an input is the table's.

    Raises:
        InputError: the device is not there, or the network cannot be written as an ONNX graph.
    """
    hardware = hardware_of(conditions.device)
    table = network if isinstance(network, Backbone) else network.backbone
    alone = conditions.device == "cpu" and conditions.threads == 1
    with torch.random.fork_rng(devices=[]), with_threads(conditions.threads):
        built = plain_of(network) if isinstance(network, Backbone) else build(network)
        built.eval()
        inputs = torch.randn(conditions.batch, table.in_channels, *table.input_size)
        ready = _in_torch if conditions.runtime == "torch" else _in_onnxruntime
        clock = thread_time if alone else perf_counter
        low, median, high = timed(ready(built, inputs, conditions), clock)
    return Latency(median, low, high, hardware)


def hardware_of(device: str) -> str:
    """Name of the processor or GPU that a device is.

    Raises:
        InputError: there is no such device here.
    """
    if device == "cpu":
        return processor()
    if not torch.cuda.is_available():
        raise InputError(
            f"Latency is to be measured on {device}, and torch finds no such device here.",
            "Set device = 'cpu' under [latency], or search on a machine that has one.",
        )
    return str(torch.cuda.get_device_name())


@contextmanager
def with_threads(number: int | None) -> Iterator[None]:
    """As many threads of torch for a while; None leaves them as they are."""
    before = torch.get_num_threads()
    if number:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _in_torch(network: nn.Module, inputs: Tensor, conditions: Conditions) -> Callable[[], object]:
    network, inputs = network.to(conditions.device), inputs.to(conditions.device)

    def run() -> None:
        with torch.inference_mode():
            network(inputs)
        if conditions.device != "cpu":
            torch.accelerator.synchronize()

    return run


def _in_onnxruntime(
    network: nn.Module, inputs: Tensor, conditions: Conditions
) -> Callable[[], object]:
    runtime = require_onnx()
    provider = _PROVIDERS[conditions.device]
    if provider not in runtime.get_available_providers():
        raise InputError(
            f"ONNX Runtime has no {provider} here.",
            "Install onnxruntime-gpu, or set device = 'cpu' under [latency].",
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = conditions.threads
    options.inter_op_num_threads = 1
    two = torch.randn(2, *inputs.shape[1:])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        write_graph(network, two, path, "Set runtime = 'torch' under [latency].")
        session = runtime.InferenceSession(str(path), options, providers=[provider])
    given = {INPUT: inputs.numpy()}
    return lambda: session.run(None, given)
