"""pytest-benchmark: kernels of the kernel language on the block VM, over paths and chunk sizes. Results checked first.

pytest benches/test_vm.py --benchmark-only      the figures
pytest benches/test_vm.py --benchmark-disable   each call once, as a smoke test
"""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import hybrid_rs as hr
from hybrid_rs.bench import oracle
from hybrid_rs.bench.vm_kernels import WORKLOADS, Workload

BATCHES = (50_000, 100_000)
SIZES = (500, 1000, 2000, 4000, 8000)
# The paths of the element form call the VM once an element, which says more about calls than about kernels.
ELEMENTWISE = 2_000
NAMES = [workload.name.replace(" ", "_") for workload in WORKLOADS]


@pytest.fixture
def runtime() -> Iterator[hr.Runtime]:
    """One Runtime for each: policies learn a kernel's cost."""
    with hr.Runtime() as made:
        yield made


def timed(benchmark: BenchmarkFixture, workload: Workload, elements: int, call: Callable[[], object]) -> None:
    """Check the result, time the call, and note the throughput beside the timings."""
    oracle.require_same(np.asarray(call()), workload.expected(elements), workload.name)
    benchmark.extra_info.update(elements=elements)
    benchmark(call)
    if benchmark.stats is not None:
        benchmark.extra_info["melem_s"] = elements / benchmark.stats.stats.median / 1e6


@pytest.mark.parametrize("path", hr.PATHS)
@pytest.mark.parametrize("workload", WORKLOADS, ids=NAMES)
def test_path(benchmark: BenchmarkFixture, runtime: hr.Runtime, workload: Workload, path: str) -> None:
    elements = BATCHES[0] if path in ("hybrid_fnptr_chunked", "hybrid_auto_chunked") else ELEMENTWISE
    arguments = workload.arguments(elements)
    benchmark.group = f"vm paths {workload.name}"
    timed(benchmark, workload, elements, lambda: runtime.map(workload.kernel, *arguments, path=path, engine="vm"))


@pytest.mark.parametrize("size", SIZES, ids="cs{}".format)
@pytest.mark.parametrize("batch", BATCHES, ids="n{}".format)
@pytest.mark.parametrize("workload", WORKLOADS, ids=NAMES)
def test_chunk_size(
    benchmark: BenchmarkFixture, runtime: hr.Runtime, workload: Workload, batch: int, size: int
) -> None:
    arguments = workload.arguments(batch)
    out = np.empty_like(workload.expected(batch))
    benchmark.group = f"vm chunk sizes {workload.name} n{batch}"

    def call() -> object:
        return runtime.map(
            workload.kernel, *arguments, path="hybrid_fnptr_chunked", chunk_size=size, out=out, engine="vm"
        )

    timed(benchmark, workload, batch, call)
