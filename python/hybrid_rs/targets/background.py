"""One thread that compiles while calls go on: begun when there is work, ended when there is none.

LLVM must not be caught in the middle of its work by a fork (the child would inherit its locks) or by the end of the
process (its tables are taken down), so both wait for it, though not for ever.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

__all__ = ["is_lost", "submit", "working"]

_PATIENCE: Final = 20.0
"""Longest time in seconds that a fork or the end of the process waits for LLVM."""


class _Job(NamedTuple):
    run: Callable[[], None]
    """Compiles."""
    forget: Callable[[], None]
    """Called in a forked child, where the job won't be done."""


class _Queue:
    """What is to be done, and by whom."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        # Held while LLVM is at work, on whatever thread.
        self.at_work = threading.RLock()
        self.jobs: deque[_Job] = deque()
        self.current: _Job | None = None
        self.thread: threading.Thread | None = None
        self.ending = False
        # Whether this process was forked while LLVM was at work: its locks are held by a thread that isn't here.
        self.lost = False


_queue = _Queue()


def submit(run: Callable[[], None], forget: Callable[[], None]) -> bool:
    """Have `run` called on the thread, which must not raise; False if it can't be, now that the process ends."""
    queue = _queue
    with queue.lock:
        if queue.ending or queue.lost:
            return False
        queue.jobs.append(_Job(run, forget))
        if queue.thread is None:
            thread = threading.Thread(target=_work, args=(queue,), name="hybrid_rs compiler", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # No more threads, or the interpreter is on its way out.
                queue.jobs.clear()
                return False
            queue.thread = thread
    return True


@contextmanager
def working() -> Iterator[None]:
    """Hold LLVM: one thread at a time, and never across a fork."""
    with _queue.at_work:
        yield


def is_lost() -> bool:
    """Whether LLVM can't be used in this process any more."""
    return _queue.lost


def _work(queue: _Queue) -> None:
    while True:
        with queue.lock:
            if queue.ending or not queue.jobs:
                queue.thread = None
                return
            job = queue.current = queue.jobs.popleft()
        job.run()
        with queue.lock:
            queue.current = None


def _end() -> None:
    queue = _queue
    with queue.lock:
        queue.ending = True
        queue.jobs.clear()
        thread = queue.thread
    if thread is not None:
        thread.join(_PATIENCE)


def _before_fork() -> None:
    global _held  # noqa: PLW0603 - handed from here to what follows the fork
    _held = _queue.at_work.acquire(timeout=_PATIENCE)


def _after_in_parent() -> None:
    if _held:
        _queue.at_work.release()


def _after_in_child() -> None:
    global _queue  # noqa: PLW0603 - a child has a queue of its own
    parents = _queue
    _queue = _Queue()
    _queue.lost = parents.lost or not _held
    for job in (*parents.jobs, parents.current):
        if job is not None:
            job.forget()


_held = False

atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
