"""From the VM to machine code: when, how often, on whose time, and what happens where it can't be."""

import itertools
import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.targets import background, cache, cpu, native

DEADLINE = 60.0
# Makes each test's kernel another one.
_fresh = itertools.count(1)


def spin(x: int, count: int) -> int:
    n = x
    for _ in range(count):
        n = (n * 7 + 13) % 997
    return n


def spun(x: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    n = x.copy()
    for _ in range(count):
        n = (n * 7 + 13) % 997
    return n


@pytest.fixture
def kernel() -> Any:
    """Make a kernel whose code is nowhere yet."""
    number = next(_fresh)

    def shifted(x: int, count: int) -> int:
        n = x + number
        for _ in range(count):
            n = (n * 7 + 13) % 997
        return n - number

    made: Any = hr.kernel(shifted)
    made.expected = lambda x, count: spun(x + number, count) - number
    return made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep code in a folder of the test's."""
    place = tmp_path / "code"
    monkeypatch.setenv("HYBRID_RS_CACHE_DIR", str(place))
    return place


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List what is compiled, by whom."""
    done = []
    build = cpu.build

    def counting(function: Any, *args: Any, **options: Any) -> Any:
        done.append(threading.current_thread().name)
        return build(function, *args, **options)

    monkeypatch.setattr(cpu, "build", counting)
    return done


def core_of(kernel: Any) -> Any:
    (variant,) = kernel._specialiser.variants()
    (core,) = variant.kernels.values()
    return core


def plan_of(kernel: Any) -> native.Plan:
    (variant,) = kernel._specialiser.variants()
    (plan,) = variant.plans.values()
    assert isinstance(plan, native.Plan)
    return plan


def until(condition: Any) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


X = np.arange(3000)


def heat(kernel: Any) -> None:
    """Call until the VM has spent enough for machine code to be asked for."""
    kernel(X, 5000)
    while not plan_of(kernel).asked:
        kernel(X, 5000)


def test_hot_kernels_are_compiled_beside_the_calls(kernel: Any, builds: list[str]) -> None:
    np.testing.assert_array_equal(kernel(X, 3), kernel.expected(X, 3))
    core = core_of(kernel)
    assert (core.native, builds) == (None, [])
    assert hr.explain(kernel, X, 3).engine == "vm"
    end = time.monotonic() + DEADLINE
    while core.native is None:
        np.testing.assert_array_equal(kernel(X, 500), kernel.expected(X, 500))
        assert time.monotonic() < end
    assert builds == ["hybrid_rs compiler"]
    spent = core.vm_ns
    np.testing.assert_array_equal(kernel(X, 500), kernel.expected(X, 500))
    assert core.vm_ns == spent  # not the VM's any more
    found = hr.explain(kernel, X, 3)
    assert (found.engine, found.source, found.width) == ("native", "compiled", core.native["width"])
    assert found.compile_ms > 0


def test_many_elements_are_reason_enough(kernel: Any, builds: list[str]) -> None:
    x = np.arange(1 << 20)
    np.testing.assert_array_equal(kernel(x, 0), x)
    until(lambda: core_of(kernel).native is not None)
    assert builds == ["hybrid_rs compiler"]


def test_machine_code_takes_over_in_mid_batch(kernel: Any) -> None:
    x = np.arange(400_000) % 5000
    looks: list[tuple[int, int]] = []

    def tell(done: int, _total: int) -> None:
        if not looks:
            plan_of(kernel).now(core_of(kernel))
        looks.append((done, core_of(kernel).vm_ns))

    out = np.empty_like(x)
    kernel(x, 3000, out=out, progress=tell, chunk_size=2000, threads=2)
    np.testing.assert_array_equal(out, kernel.expected(x, 3000))
    assert core_of(kernel).native["block_ns"] is not None or core_of(kernel).native["refill_ns"] is not None
    assert core_of(kernel).vm_ns > 0


def test_two_threads_that_get_hot_together_compile_once(kernel: Any, builds: list[str]) -> None:
    def job(_: int) -> None:
        for _ in range(20):
            np.testing.assert_array_equal(kernel(X, 300), expected)

    expected = kernel.expected(X, 300)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(job, range(8)))
    until(lambda: core_of(kernel).native is not None)
    assert len(builds) == 1


def test_first_calls_that_wait_compile_once(kernel: Any, builds: list[str]) -> None:
    barrier = threading.Barrier(4)

    def job(_: int) -> Any:
        barrier.wait()
        return kernel(X, 5, engine="native")

    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(job, range(4)):
            np.testing.assert_array_equal(result, kernel.expected(X, 5))
    assert len(builds) == 1


def test_the_vm_can_be_asked_for(kernel: Any, builds: list[str]) -> None:
    for _ in range(3):
        np.testing.assert_array_equal(kernel(X, 800, engine="vm"), kernel.expected(X, 800))
    assert (core_of(kernel).native, core_of(kernel).vm_ns, builds) == (None, 0, [])
    kernel(X, 2, engine="native")
    np.testing.assert_array_equal(kernel(X, 8, engine="vm"), kernel.expected(X, 8))
    assert core_of(kernel).vm_ns == 0


def test_what_cant_be_compiled_stays_on_the_vm(
    kernel: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []

    def fail(*_args: Any, **_options: Any) -> Any:
        tries.append(1)
        raise RuntimeError("no such luck")

    monkeypatch.setattr(cpu, "build", fail)
    with caplog.at_level(logging.WARNING, "hybrid_rs"):
        heat(kernel)
        until(lambda: plan_of(kernel).made is not None)
        for _ in range(3):
            np.testing.assert_array_equal(kernel(X, 2000), kernel.expected(X, 2000))
    assert tries == [1]
    assert [record.message for record in caplog.records] == ["shifted stays on the VM: RuntimeError: no such luck"]
    for _ in range(2):
        with pytest.raises(hr.CompileError, match="engine: there is no machine code for shifted: .*no such luck"):
            kernel(X, 5, engine="native")
    assert tries == [1]
    found = hr.explain(kernel, X, 5)
    assert (found.engine, found.why) == ("vm", "there can't be machine code: RuntimeError: no such luck")


def test_without_llvm_there_is_one_warning(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_has_llvm", lambda: False)
    native._warn.cache_clear()
    with pytest.warns(hr.PerformanceWarning, match="llvmlite is not installed") as caught:
        heat(kernel)
    np.testing.assert_array_equal(kernel(X, 50), kernel.expected(X, 50))
    assert [one.filename for one in caught] == [__file__]
    heat(hr.kernel(spin))  # warnings are errors here
    with pytest.raises(hr.CompileError, match="no machine code for shifted: llvmlite is not installed"):
        kernel(X, 5, engine="native")
    assert "llvmlite is not installed" in hr.explain(kernel, X, 5).why


def test_the_cache_is_enough(kernel: Any, builds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(X, 5, engine="native")
    monkeypatch.setattr(native, "_has_llvm", lambda: False)
    again = hr.kernel(kernel.py_func)
    np.testing.assert_array_equal(again(X, 5, engine="native"), kernel.expected(X, 5))
    assert len(builds) == 1
    assert hr.explain(again, X, 5).source == "cache"
    # Other types, other uniform arguments, another function: other code.
    for given in ((X.astype(np.int32), 5), (X, X)):
        with pytest.raises(hr.CompileError, match="llvmlite"):
            again(*given, engine="native")


def test_another_kernel_of_the_same_code_takes_it(folder: Path, builds: list[str]) -> None:
    one, two = hr.kernel(spin), hr.kernel(spin)
    one(X, 5, engine="native")
    two(X, 5, engine="native")
    assert len(builds) == 1
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"HRSCODE1", b"\0" * 5000])
def test_a_spoilt_file_is_compiled_anew(kernel: Any, folder: Path, builds: list[str], content: bytes) -> None:
    kernel(X, 5, engine="native")
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    np.testing.assert_array_equal(hr.kernel(kernel.py_func)(X, 5, engine="native"), kernel.expected(X, 5))
    assert len(builds) == 2
    assert len(file.read_bytes()) == len(whole)


def test_code_that_cant_be_loaded_is_compiled_anew(
    kernel: Any, folder: Path, builds: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    kernel(X, 5, engine="native")
    (file,) = folder.iterdir()
    # A file that is whole, of an object that is none: as from another version.
    cache.store(bytes.fromhex(file.stem), cache.Entry(b"\x7fELF not really", 8, 0.0))
    np.testing.assert_array_equal(hr.kernel(kernel.py_func)(X, 5, engine="native"), kernel.expected(X, 5))
    assert len(builds) == 2
    assert "can't be used: object:" in caplog.text


def test_a_folder_that_is_refused_is_told_of_once(
    kernel: Any, folder: Path, builds: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    native._report_cache.cache_clear()
    for function in (kernel.py_func, spin):
        np.testing.assert_array_equal(hr.kernel(function)(X, 0, engine="native"), X)
    assert len(builds) == 2
    texts = [record.message for record in caplog.records]
    assert texts == [f"machine code is not kept between runs: {folder}: others may write to it"]
    assert not list(folder.iterdir())


# Other processes.

PRELUDE = """
import os, sys, threading, time
import numpy as np
import hybrid_rs as hr

@hr.kernel
def spin(x, count):
    n = x
    for _ in range(count):
        n = (n * 7 + 13) % 997
    return n

def spun(x, count):
    n = x.copy()
    for _ in range(count):
        n = (n * 7 + 13) % 997
    return n

X = np.arange(3000)
def core(kernel=spin):
    (variant,) = kernel._specialiser.variants()
    (core,) = variant.kernels.values()
    return core
def heat(kernel=spin):
    kernel(X, 5000)
    (variant,) = kernel._specialiser.variants()
    (plan,) = variant.plans.values()
    while not plan.asked:
        kernel(X, 5000)
def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)
def slow(seconds):
    from hybrid_rs.targets import cpu
    build = cpu.build
    def slowly(*args, **options):
        slowly.begun = True
        time.sleep(seconds)
        return build(*args, **options)
    slowly.begun = False
    cpu.build = slowly
    return slowly
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run a program in a process of its own and return what it prints."""

    def run(program: str, **environment: str) -> str:
        file = tmp_path / "program.py"
        file.write_text(PRELUDE + program)
        done = subprocess.run(
            [sys.executable, str(file)],
            capture_output=True,
            text=True,
            timeout=DEADLINE * 2,
            env=os.environ | environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    return run


def test_a_hit_needs_no_llvm(run: Any) -> None:
    program = """
assert (spin(X, 5, engine="native") == spun(X, 5)).all()
print(hr.explain(spin, X, 5).source, any(name.startswith("llvmlite") for name in sys.modules))
"""
    assert run(program).split() == ["compiled", "True"]
    assert run(program).split() == ["cache", "False"]


def test_machine_code_turned_off(run: Any) -> None:
    program = """
for _ in range(9):
    assert (spin(X, 5000) == spun(X, 5000)).all()
time.sleep(0.3)
assert threading.active_count() == 1 and core().native is None
print(hr.explain(spin, X, 5).why)
try:
    spin(X, 5, engine="native")
except hr.CompileError as error:
    print(error)
"""
    expected = "machine code is turned off by HYBRID_RS_DISABLE_JIT\nengine: machine code is turned off by"
    assert run(program, HYBRID_RS_DISABLE_JIT="1").startswith(expected)


def test_the_end_of_a_process_waits_for_the_compiler(run: Any) -> None:
    program = """
slowly = slow(0.5)
heat()
until(lambda: slowly.begun)
print("end")
"""
    assert run(program) == "end\n"


def test_an_exit_in_the_middle_of_llvm(run: Any, folder: Path) -> None:
    program = """
assert (spin(X, 5000) == spun(X, 5000)).all()
time.sleep({})
"""
    for delay in (0, 0.05, 0.2):
        run(program.format(delay))


FORK = """
slowly = slow(0.4)
heat()
until(lambda: slowly.begun)
assert core().native is None
child = os.fork()
if child == 0:
    assert (spin(X, 50) == spun(X, 50)).all()
    {then}
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
until(lambda: core().native is not None)
assert (spin(X, 50) == spun(X, 50)).all()
print("both")
"""


def test_a_fork_waits_for_the_compiler(run: Any) -> None:
    then = "assert core().native is not None"
    assert run(FORK.format(then=then)) == "both\n"


def test_a_fork_in_the_middle_of_llvm_stays_on_the_vm(run: Any) -> None:
    # A compiler that nobody can wait for: the child has neither its thread nor its locks, but the disk.
    impatient = """
from hybrid_rs.targets import background
background._PATIENCE = 0.0
"""
    then = """
    assert core().native is None and background.is_lost()
    heat()
    assert core().native is None
    try:
        hr.kernel(spin.py_func)(X, X, engine="native")
    except hr.CompileError as error:
        assert "forked" in str(error), error
    assert (hr.kernel(spin.py_func)(X, 50) == spun(X, 50)).all()
"""
    assert run(impatient + FORK.format(then=then)) == "both\n"


def test_a_forked_child_compiles_for_itself(run: Any) -> None:
    program = """
spin(X, 5)
child = os.fork()
if child == 0:
    heat()
    until(lambda: core().native is not None)
    assert (spin(X, 50) == spun(X, 50)).all()
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert core().native is None
print("done")
"""
    assert run(program) == "done\n"


def test_jobs_that_wait_are_asked_for_again_in_a_child(run: Any) -> None:
    program = """
slowly = slow(0.3)
@hr.kernel
def other(x, count):
    n = x
    for _ in range(count):
        n = (n * 7 + 14) % 997
    return n
heat()
heat(other)
until(lambda: slowly.begun)
child = os.fork()
if child == 0:
    if core(other).native is None:  # the fork may have waited for it, too
        heat(other)
    until(lambda: core(other).native is not None)
    assert (other(X, 50) == other(X, 50, engine="reference")).all()
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
print("done")
"""
    assert run(program) == "done\n"


def test_no_thread_is_left_without_work(kernel: Any) -> None:
    heat(kernel)
    until(lambda: core_of(kernel).native is not None)
    until(lambda: background._queue.thread is None)
