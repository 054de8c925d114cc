"""pytest-benchmark: Runtimes with and without metrics on the same batch. Results are checked first."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import hybrid_rs as hr
from hybrid_rs.bench.lite import DEFAULT_PATHS
from hybrid_rs.bench.workload import Workload

BATCH = 50_000


@pytest.mark.parametrize("metrics", [True, False], ids=["metrics", "lite"])
@pytest.mark.parametrize("path", DEFAULT_PATHS)
def test_metrics(benchmark: BenchmarkFixture, path: str, metrics: bool) -> None:
    benchmark.group = f"metrics {path}"
    with hr.Runtime(metrics=metrics) as runtime:
        # The same chunks on both sides: policies learn from what they measured, and may choose differently.
        size = hr.policy.v2(BATCH) if path.endswith("_chunked") else None
        benchmark(Workload(BATCH).checked(runtime, path, size))
