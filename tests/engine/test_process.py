"""What happens around a running map: forks, threads, signals, timeouts, panics, the end of the interpreter."""

import ctypes
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from oracle import busy_work

busy = hr.kernels.busy_work
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs fork and /proc")


def script(text: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(text)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def in_child(connection: "multiprocessing.connection.Connection") -> None:
    x = np.arange(20_000)
    values = [bool((hr.map(busy, x, 20, path=path) == busy_work(x, 20)).all()) for path in hr.PATHS]
    connection.send((values, len(os.listdir("/proc/self/task"))))


@linux
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_build_their_own_threads(method: str) -> None:
    x = np.arange(20_000)
    expected = busy_work(x, 20)
    np.testing.assert_array_equal(hr.map(busy, x, 20, path="hybrid_fnptr_chunked"), expected)
    context: Any = multiprocessing.get_context(method)
    mine, theirs = context.Pipe()
    child = context.Process(target=in_child, args=(theirs,))
    child.start()
    assert mine.poll(60), "the child hangs"
    values, threads = mine.recv()
    child.join(10)
    assert child.exitcode == 0
    assert values == [True] * len(hr.PATHS)
    assert threads >= 1 + hr.get_num_threads()
    np.testing.assert_array_equal(hr.map(busy, x, 20, path="hybrid_fnptr_chunked"), expected)


@linux
def test_a_fork_beside_running_maps_does_not_lock_up() -> None:
    done = script(
        """
        import os, threading, warnings, numpy as np, hybrid_rs as hr
        warnings.simplefilter("ignore")
        x = np.arange(200_000)
        stop = threading.Event()
        def work():
            while not stop.is_set():
                hr.kernels.busy_work(x, 50, path="hybrid_fnptr_chunked")
        threads = [threading.Thread(target=work) for _ in range(2)]
        for t in threads: t.start()
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                hr.kernels.busy_work(x, 5, path="hybrid_fnptr_chunked")
                rt = hr.Runtime(); rt.map(hr.kernels.busy_work, x, 5); rt.close()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for t in threads: t.join()
        print("done")
        """
    )
    assert done.stdout == "done\n", done.stderr


def test_several_python_threads_share_a_runtime() -> None:
    x = np.arange(30_000)
    expected = busy_work(x, 15)
    wrong: list[str] = []

    def work(k: int) -> None:
        for path in hr.PATHS:
            if not (hr.map(busy, x, 15, path=path, chunk_size=100 + k) == expected).all():
                wrong.append(path)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert wrong == []


@pytest.mark.parametrize("path", hr.PATHS)
@pytest.mark.parametrize("work", ["busy", "long", "dyn"])
def test_ctrl_c_stops_every_path(path: str, work: str) -> None:
    n, call = {
        "busy": (2_000_000, "hr.map(hr.kernels.busy_work, x, 2_000_000, path=path)"),
        "long": (2000, "hr.map(hr.kernels.busy_work, x, 2**60, path=path)"),
        "dyn": (2_000_000, "hr.map(hr.dyn(lambda v: sum(range(1000)), int), x, path=path)"),
    }[work]
    done = script(
        f"""
        import os, signal, threading, time, numpy as np, hybrid_rs as hr
        x, path = np.arange({n}), {path!r}
        def interrupt():
            time.sleep(0.4)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            {call}
        except KeyboardInterrupt as error:
            assert all(begin < end for begin, end in error.finished), error.finished
        else:
            raise SystemExit("not interrupted")
        again = [hr.map(hr.kernels.busy_work, np.arange(3000), 3, path=p).sum() for p in (path, "seq_direct")]
        assert again[0] == again[1]
        print("interrupted")
        """
    )
    assert done.stdout == "interrupted\n", done.stderr


@pytest.mark.parametrize("path", hr.PATHS)
def test_timeouts_carry_the_finished_ranges(path: str) -> None:
    x = np.arange(400_000)
    out = np.full(x.shape, -1, np.int32)
    with pytest.raises(hr.Cancelled, match="timed out") as caught:
        hr.map(busy, x, 200_000, path=path, timeout=0.15, out=out, chunk_size=500)
    finished = caught.value.finished
    assert all(begin < end for begin, end in finished)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(finished))
    told = np.zeros(x.shape, bool)
    for begin, end in finished:
        told[begin:end] = True
    assert not told.all()
    some = np.flatnonzero(told)[::997][:3]
    if len(some):
        np.testing.assert_array_equal(out[some], hr.map(busy, x[some], 200_000, path="seq_direct"))
    assert (out[told] != -1).all()


def test_an_endless_element_is_stopped_by_its_timeout() -> None:
    for path in hr.PATHS:
        with pytest.raises(hr.Cancelled):
            hr.map(busy, np.arange(3), 2**62, path=path, timeout=0.05)


def test_progress_is_told_and_its_failure_stops() -> None:
    told: list[tuple[int, int]] = []
    x = np.arange(100_000)
    hr.map(busy, x, 2000, path="hybrid_fnptr_chunked", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (100_000, 100_000)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    def fail(done: int, total: int) -> None:
        raise LookupError(done)

    for path in hr.PATHS:
        with pytest.raises(LookupError) as caught:
            hr.map(busy, x, 100_000, path=path, progress=fail)
        assert isinstance(caught.value.finished, list)  # type: ignore[attr-defined]


def test_a_panic_is_an_exception_and_the_runtime_lives_on() -> None:
    done = script(
        """
        import numpy as np, hybrid_rs as hr
        from hybrid_rs import _core
        probe = hr.Kernel(_core.Kernel.panic_probe())
        for path in hr.PATHS:
            try:
                hr.map(probe, np.arange(3000) - 10, path=path)
            except hr.KernelError as error:
                assert "panic probe at element" in str(error), error
            else:
                raise SystemExit("no error")
            assert hr.map(probe, np.arange(3000), path=path).sum() == 2999 * 1500
        print("done")
        """
    )
    assert done.stdout == "done\n", done.stderr
    assert done.returncode == 0


def test_a_closed_runtime_refuses_and_its_threads_are_gone() -> None:
    names = [f"/proc/self/task/{t}/comm" for t in os.listdir("/proc/self/task")] if sys.platform == "linux" else []
    with hr.Runtime(threads=3) as rt:
        rt.map(busy, np.arange(5000), 5, path="hybrid_fnptr")
        if sys.platform == "linux":
            assert len(os.listdir("/proc/self/task")) >= len(names) + 3
    with pytest.raises(RuntimeError, match="the Runtime is closed"):
        rt.map(busy, np.arange(5000), 5)
    rt.close()
    deadline = time.monotonic() + 10
    while sys.platform == "linux" and len(os.listdir("/proc/self/task")) > len(names):
        assert time.monotonic() < deadline, "threads are left over"
        time.sleep(0.01)


@linux
def test_thread_counts_by_call_do_not_pile_up() -> None:
    with hr.Runtime(threads=2) as rt:
        before = len(os.listdir("/proc/self/task"))
        for threads in range(1, 60):
            rt.map(busy, np.arange(500), 1, path="hybrid_fnptr", threads=threads)
        deadline = time.monotonic() + 20
        # Four sizes are kept at the most; the last ones here are of about 60 threads each.
        while len(os.listdir("/proc/self/task")) > before + 5 * 60:
            assert time.monotonic() < deadline, "threads pile up"
            time.sleep(0.01)


def test_no_more_threads_is_an_error() -> None:
    if sys.platform != "linux" or os.geteuid() == 0:
        limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))"
    else:
        limit = "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))"
    done = script(
        f"""
        import numpy as np, hybrid_rs as hr
        {limit}
        try:
            hr.map(hr.kernels.busy_work, np.arange(5000), 5, path="hybrid_fnptr", threads=1000)
        except RuntimeError as error:
            print("refused" if "threads could not be started" in str(error) else error)
        print(hr.map(hr.kernels.busy_work, np.arange(5), 0, path="seq_direct").tolist())
        """
    )
    assert done.stdout == "refused\n[0, 1, 2, 3, 4]\n", done.stderr


def test_the_interpreter_may_end_under_a_running_map() -> None:
    done = script(
        """
        import threading, time, numpy as np, hybrid_rs as hr
        def work():
            hr.map(lambda v: v + 1, np.arange(10_000_000), path="hybrid_fnptr_chunked")
        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
        """
    )
    assert done.returncode == 0, done.stderr


def test_the_gil_is_free_while_rust_works() -> None:
    ticks = 0
    finished = threading.Event()

    def work() -> None:
        hr.map(busy, np.arange(100_000), 20_000, path="hybrid_fnptr")
        finished.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not finished.is_set() and ticks < 50:
        ticks += 1
        time.sleep(0.001)
    thread.join()
    assert ticks >= 20


def test_signals_reach_their_handlers_meanwhile() -> None:
    if not hasattr(signal, "setitimer"):
        pytest.skip("no interval timers here")
    seen: list[int] = []
    former = signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        hr.map(busy, np.arange(100_000), 5000, path="hybrid_fnptr")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert seen


def test_the_interpreter_may_end_under_maps_that_wait_for_it() -> None:
    done = script(
        """
        import threading, time, numpy as np, hybrid_rs as hr
        def sleepers():
            while True:
                hr.map(lambda v: time.sleep(0.01) or v, np.arange(200), path="hybrid_fnptr")
        def watchers():
            while True:
                hr.map(hr.kernels.busy_work, np.arange(200_000), 20_000, progress=lambda a, b: sum(range(200_000)))
        for target in (sleepers, watchers, sleepers):
            threading.Thread(target=target, daemon=True).start()
        time.sleep(0.3)
        """
    )
    assert done.returncode == 0, done.stderr
    assert "FATAL" not in done.stderr


@pytest.mark.parametrize("kib", [64, 96])
def test_threads_with_a_small_stack_may_call(kib: int) -> None:
    done = script(
        f"""
        import threading, numpy as np, hybrid_rs as hr
        hr.kernels.busy_work(1, 1)
        threading.stack_size({kib} * 1024)
        x = np.arange(3000)
        def work():
            print(hr.kernels.busy_work(x[:64], 3).sum(), hr.kernels.busy_work(x, x % 50).sum())
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """
    )
    x = np.arange(3000)
    assert done.stdout == f"{busy_work(x[:64], 3).sum()} {busy_work(x, x % 50).sum()}\n", done.stderr


@linux
@pytest.mark.parametrize("place", ["progress", "callable"])
def test_a_child_forked_inside_a_map_ends_instead_of_hanging(place: str) -> None:
    done = script(
        f"""
        import os, warnings, numpy as np, hybrid_rs as hr
        warnings.simplefilter("ignore")
        children = []
        def fork(*numbers):
            if not children:
                children.append(os.fork())
            return 0
        if {place!r} == "progress":
            hr.map(hr.kernels.busy_work, np.arange(100_000), 20_000, path="hybrid_fnptr", progress=fork)
        else:
            hr.map(hr.dyn(fork, int), np.arange(1000), path="hybrid_fnptr_chunked", chunk_size=10)
        print(os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]))
        """
    )
    assert done.stdout == "70\n", done.stderr


def test_memory_that_is_not_there_is_a_memory_error() -> None:
    for kernel in (busy, lambda x, _: hr.dyn(float, float)(x)):
        with pytest.raises(MemoryError):
            kernel(np.broadcast_to(np.int64(1), (2**45,)), 1)


@pytest.mark.parametrize("path", hr.PATHS)
def test_an_outer_timeout_stops_the_inner_map(path: str) -> None:
    big = np.arange(1_000_000)
    inner = hr.dyn(lambda v: float(hr.map(busy, big, 10_000_000, path="hybrid_fnptr").sum()) + v, float)
    with pytest.raises(hr.Cancelled):
        hr.map(inner, np.arange(4.0), path=path, chunk_size=1, timeout=0.2)


@pytest.mark.parametrize("path", ["seq_direct", "runtime_seq", "auto"])
def test_timeouts_hold_when_elements_get_slower(path: str) -> None:
    libc = ctypes.CDLL(None)
    doze = hr.foreign(libc.usleep, "int32(uint32)")
    micros = np.where(np.arange(200_000) < 130_000, 0, 10_000).astype(np.uint32)
    with pytest.raises(hr.Cancelled):
        hr.map(doze, micros, path=path, timeout=0.2)


def test_a_finished_batch_is_a_result_however_late() -> None:
    def slow(v: float) -> float:
        time.sleep(0.05)
        return v

    late = hr.dyn(slow, float)
    for path in hr.PATHS:
        np.testing.assert_array_equal(hr.map(late, np.array([1.0]), path=path, timeout=0.01), [1.0])


def test_closing_from_inside_ends_the_threads_for_good() -> None:
    done = script(
        """
        import os, numpy as np, hybrid_rs as hr
        rt = hr.Runtime(threads=2)
        def close(v):
            rt.close()
            return sum(range(2000))
        try:
            rt.map(hr.dyn(close, int), np.arange(3000))
        except RuntimeError as error:
            assert "closed" in str(error), error
        print("alive")
        """
    )
    assert done.stdout == "alive\n", done.stderr
