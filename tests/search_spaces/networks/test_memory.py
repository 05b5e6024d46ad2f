"""Memory that was freed or used up is used again."""

import resource
import sys
import threading

import pytest
import torch
from torch import Tensor

from search_spaces.networks.memory import keep_freed_memory
from search_spaces.networks.ways.scratch import scratch

PAGES = 2048
"""Pages of 4 KiB that the test touches."""


def faults_of_a_fresh_tensor() -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(PAGES * 1024)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_a_tensor_after_the_first_ones_touches_no_new_pages() -> None:
    assert keep_freed_memory()
    assert min(faults_of_a_fresh_tensor() for _ in range(5)) < PAGES // 10


def test_scratch_of_one_name_is_one_piece_of_memory_for_each_thread() -> None:
    like = torch.zeros(1)
    first = scratch("a test", (4, 8), like)
    assert scratch("a test", (2, 3), like).data_ptr() == first.data_ptr()
    assert scratch("another test", (4, 8), like).data_ptr() != first.data_ptr()
    found: list[Tensor] = []
    thread = threading.Thread(target=lambda: found.append(scratch("a test", (4, 8), like)))
    thread.start()
    thread.join()
    assert found[0].data_ptr() != first.data_ptr()


def test_scratch_made_for_inference_serves_training() -> None:
    like = torch.zeros(1)
    with torch.inference_mode():
        scratch("inference", (4,), like).fill_(1)
    assert not scratch("inference", (4,), like).is_inference()
