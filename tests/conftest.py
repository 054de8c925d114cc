"""What every test starts from: no variables of the developer's shell, and property tests without deadlines."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A test run that a shell started in the background ignores SIGINT, and so would every process it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A deadline would be a timing assertion, and those fail on busy machines. The blob lets a failure be run again.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a cache folder for the run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def no_inherited_variables(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Remove the variables that change the package's behaviour; tests set the ones they are about.

    Machine code is kept in a folder of the run's: found again by later tests, but never from other runs.
    """
    for name in list(os.environ):
        if name.startswith("HYBRID_") or name in {"RAYON_NUM_THREADS", "OMP_NUM_THREADS"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
