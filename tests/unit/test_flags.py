"""Environment variables and the thread count, from Python: what a user can set, and what the machine really has."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hybrid_rs import _core, flags

NAMES = (
    "HYBRID_CHUNK_SIZE",
    "HYBRID_RS_NUM_THREADS",
    "HYBRID_RS_CACHE_DIR",
    "HYBRID_RS_DISABLE_JIT",
    "HYBRID_RS_LITE",
    "HYBRID_RS_LOG_LEVEL",
)


def test_defaults() -> None:
    expected = flags.Flags(
        chunk_size=None, num_threads=None, cache_dir=None, disable_jit=False, lite=False, log_level=None
    )
    assert flags.resolve() == expected


@pytest.mark.parametrize("name", NAMES)
def test_empty_is_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = flags.resolve()
    monkeypatch.setenv(name, "")
    assert flags.resolve() == expected


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("HYBRID_CHUNK_SIZE", "750", "chunk_size", 750),
        ("HYBRID_CHUNK_SIZE", " 1 ", "chunk_size", 1),
        ("HYBRID_CHUNK_SIZE", str(2**64 - 1), "chunk_size", 2**64 - 1),
        ("HYBRID_RS_NUM_THREADS", "1024", "num_threads", 1024),
        ("HYBRID_RS_CACHE_DIR", "some where/ü", "cache_dir", "some where/ü"),
        ("HYBRID_RS_DISABLE_JIT", "True", "disable_jit", True),
        ("HYBRID_RS_DISABLE_JIT", "0", "disable_jit", False),
        ("HYBRID_RS_LITE", "1", "lite", True),
        ("HYBRID_RS_LITE", "false", "lite", False),
        ("HYBRID_RS_LOG_LEVEL", "DEBUG", "log_level", "debug"),
    ],
)
def test_values(name: str, text: str, field: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = flags.resolve()
    monkeypatch.setenv(name, text)
    assert flags.resolve()._asdict() == {**defaults._asdict(), field: value}


@pytest.mark.parametrize(
    ("name", "text", "accepted"),
    [
        ("HYBRID_CHUNK_SIZE", "abc", "is not a positive integer"),
        ("HYBRID_CHUNK_SIZE", "0", "is not a positive integer"),
        ("HYBRID_CHUNK_SIZE", "-500", "is not a positive integer"),
        ("HYBRID_CHUNK_SIZE", "1.5", "is not a positive integer"),
        ("HYBRID_CHUNK_SIZE", str(2**64), f"is larger than {2**64 - 1}"),
        ("HYBRID_RS_NUM_THREADS", "0", "is not an integer from 1 to 1024"),
        ("HYBRID_RS_NUM_THREADS", "1025", "is not an integer from 1 to 1024"),
        ("HYBRID_RS_DISABLE_JIT", "yes", "is not 0, 1, true or false"),
        ("HYBRID_RS_LITE", "2", "is not 0, 1, true or false"),
        ("HYBRID_RS_LOG_LEVEL", "loud", "is not one of debug, info, warning, error"),
    ],
)
def test_bad_values_name_the_variable(name: str, text: str, accepted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ValueError, match="HYBRID_") as caught:
        flags.resolve()
    assert str(caught.value) == f"{name}: '{text}' {accepted}"


def test_only_own_variables_must_be_text(monkeypatch: pytest.MonkeyPatch) -> None:
    undecodable = os.fsdecode(b"a\xff")
    for name in ("SOMETHING_ELSE", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, undecodable)
    assert flags.resolve().cache_dir is None
    assert flags.thread_count()[1] in {"affinity", "cgroup quota"}
    monkeypatch.setenv("HYBRID_RS_CACHE_DIR", undecodable)
    with pytest.raises(ValueError, match="^HYBRID_RS_CACHE_DIR: .* is not valid UTF-8$"):
        flags.resolve()


def test_flags_are_frozen() -> None:
    with pytest.raises(AttributeError):
        flags.resolve().lite = True  # type: ignore[misc]


def test_table_describes_every_variable() -> None:
    table = flags.table()
    assert tuple(row["name"] for row in table) == NAMES
    for row in table:
        assert set(row) == {"name", "default", "doc", "accepts"}
        assert all(row.values())


def test_precedence_of_thread_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = flags.thread_count()
    assert machine[1] in {"affinity", "cgroup quota"}
    # From the weakest to the strongest: each, once set, decides.
    for name, count in (("OMP_NUM_THREADS", 6), ("RAYON_NUM_THREADS", 5), ("HYBRID_RS_NUM_THREADS", 4)):
        monkeypatch.setenv(name, str(count))
        assert flags.thread_count() == (count, name)
    assert flags.thread_count(context=3) == (3, "context")
    assert flags.thread_count(2, 3) == (2, "threads argument")
    assert flags.thread_count(2) == (2, "threads argument")


@pytest.mark.parametrize(("text", "count"), [("4,2", 4), (" 3 ", 3), ("99999", 1024)])
def test_usable_foreign_variables(text: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert flags.thread_count() == (count, "OMP_NUM_THREADS")


@pytest.mark.parametrize("text", ["0", "", "many", "-1", ",4", "2.5"])
def test_unusable_foreign_variables_are_passed_over(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = flags.thread_count()
    monkeypatch.setenv("RAYON_NUM_THREADS", text)
    assert flags.thread_count() == machine
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert flags.thread_count() == (7, "OMP_NUM_THREADS")


@pytest.mark.parametrize("count", [0, -1, 1025, 2**70])
def test_counts_out_of_range(count: int) -> None:
    expected = f"^threads: {count} is not an integer from 1 to 1024$"
    with pytest.raises(ValueError, match=expected):
        flags.thread_count(count)
    with pytest.raises(ValueError, match=expected):
        flags.thread_count(context=count)


@pytest.mark.parametrize("count", [2.0, "2", [2]])
def test_counts_that_are_no_integers(count: object) -> None:
    with pytest.raises(TypeError, match="^threads: .* is not an integer from 1 to 1024$"):
        flags.thread_count(count)  # type: ignore[arg-type]


def test_a_bad_own_variable_is_told_even_when_it_would_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_RS_NUM_THREADS", "some")
    with pytest.raises(ValueError, match="^HYBRID_RS_NUM_THREADS: 'some' is not"):
        flags.thread_count(2)


@pytest.fixture
def affinity() -> Iterator[set[int]]:
    """The test's own CPUs, put back at the end."""
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("the system has no affinity masks")
    cpus = os.sched_getaffinity(0)
    yield cpus
    os.sched_setaffinity(0, cpus)


def test_allowed_cpus_are_those_of_the_calling_thread(affinity: set[int]) -> None:
    assert _core.topology()["allowed"] == sorted(affinity)
    one = max(affinity)
    os.sched_setaffinity(0, {one})
    assert _core.topology()["allowed"] == [one]
    # A quota can't be below one CPU, so this is the mask's doing.
    assert flags.thread_count() == (1, "affinity")


def test_topology_is_consistent() -> None:
    found = _core.topology()
    assert found["nodes"]
    assert found["model"]
    assert 1 <= found["usable_cpus"] <= len(found["allowed"])
    if found["quota"] is not None:
        assert found["quota"] > 0
    on_nodes = [cpu for node in found["nodes"] for cpu in node["cpus"]]
    assert len(on_nodes) == len(set(on_nodes))
    assert set(found["allowed"]) <= set(on_nodes)


def test_variables_are_read_when_asked_not_at_import() -> None:
    program = (
        "import os\n"
        "from hybrid_rs import flags\n"
        "before = flags.resolve().chunk_size\n"
        "os.environ['HYBRID_CHUNK_SIZE'] = '900'\n"
        "print(before, flags.resolve().chunk_size)\n"
    )
    environment = {**os.environ, "HYBRID_CHUNK_SIZE": "800"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["800", "900"]
