"""pytest-benchmark: the paths at the report's batch sizes, chunk sizes, and tiny batches. Results are checked first.

pytest benches --benchmark-only      the figures
pytest benches --benchmark-disable   each call once, as a smoke test
"""

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import hybrid_rs as hr
from hybrid_rs.bench.sweep import DEFAULT_SIZES
from hybrid_rs.bench.workload import DEFAULT_ITERS, Workload

BATCHES = (10_000, 50_000, 100_000)
TINY = (64, 499, 999)


@pytest.fixture
def runtime() -> Iterator[hr.Runtime]:
    """One Runtime for each: policies learn a kernel's cost, and the paths differ in it."""
    with hr.Runtime() as made:
        yield made


def timed(benchmark: BenchmarkFixture, runtime: hr.Runtime, work: Workload, path: str, size: int | None = None) -> None:
    """Check the path, time it, and note the throughput beside the timings."""
    call = work.checked(runtime, path, size)
    benchmark.extra_info.update(elements=work.batch, iters=work.iters, threads=runtime.threads)
    benchmark(call)
    if benchmark.stats is not None:
        benchmark.extra_info["melem_s"] = work.batch / benchmark.stats.stats.median / 1e6


@pytest.mark.parametrize("path", hr.PATHS)
@pytest.mark.parametrize("batch", BATCHES, ids="n{}".format)
def test_path(benchmark: BenchmarkFixture, runtime: hr.Runtime, batch: int, path: str) -> None:
    benchmark.group = f"paths n{batch}"
    timed(benchmark, runtime, Workload(batch), path)


@pytest.mark.parametrize("size", DEFAULT_SIZES, ids="cs{}".format)
@pytest.mark.parametrize("batch", BATCHES[1:], ids="n{}".format)
def test_chunk_size(benchmark: BenchmarkFixture, runtime: hr.Runtime, batch: int, size: int) -> None:
    benchmark.group = f"chunk sizes n{batch}"
    timed(benchmark, runtime, Workload(batch), "hybrid_fnptr_chunked", size)


@pytest.mark.parametrize("path", ["seq_direct", "hybrid_fnptr", "hybrid_fnptr_chunked", "hybrid_auto_chunked"])
@pytest.mark.parametrize("batch", TINY, ids="n{}".format)
@pytest.mark.parametrize("iters", [0, DEFAULT_ITERS], ids="iters{}".format)
def test_tiny(benchmark: BenchmarkFixture, runtime: hr.Runtime, iters: int, batch: int, path: str) -> None:
    benchmark.group = f"tiny n{batch} iters{iters}"
    timed(benchmark, runtime, Workload(batch, iters), path)
