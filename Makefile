# Two commands matter: `make run` (environment, release build, main job) and `make test` (all of the checks). Both start
# from nothing. What is needed beforehand: Rust with rustfmt and clippy, Python 3.11 or newer with venv, gcc, make.

PYTHON ?= python3
CARGO ?= cargo
# Where `make run` writes the report.
REPORT ?= build/report
# Optional dependencies that the environment gets; `peers` (Numba, SciPy) is large and stays out.
EXTRAS ?= io,report,test,dev

VENV := .venv
BIN := $(VENV)/bin
EXTENSION := python/hybrid_rs/_core.abi3.so
# Folders too: their time changes when a file is removed.
RUST_SOURCES := $(shell find src) Cargo.toml $(wildcard Cargo.lock)
PYTHON_SOURCES := python tests benches $(wildcard examples)

# PyO3's build script depends on it; one value for every cargo command keeps the dependencies from being rebuilt.
export PYO3_PYTHON := $(abspath $(BIN)/python)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv build run test lint format test-rust test-rust-python test-python smoke bench wheel clean

help:
	@echo 'make run      make the environment, build in release, run the main job; the report goes to $(REPORT)'
	@echo 'make test     everything that must pass: format, lint, types, Rust and Python tests, a smoke run of the benches'
	@echo 'make build    the environment and the release build alone'
	@echo 'make lint     rustfmt, clippy, ruff, mypy'
	@echo 'make format   rewrite the sources in the house format'
	@echo 'make bench    the Criterion and pytest benchmarks at full length'
	@echo 'make wheel    a wheel in dist/'
	@echo 'make clean    remove everything that was made'
	@echo
	@echo 'Needed: cargo with rustfmt and clippy, Python 3.11 or newer with venv (Debian: python3-venv), gcc, make.'
	@echo 'Variables: PYTHON=$(PYTHON)  CARGO=$(CARGO)  REPORT=$(REPORT)  EXTRAS=$(EXTRAS)'

# ---- environment and build

venv: $(VENV)/.tools

# The extras are read from pyproject.toml, because installing them as extras would build the package as well.
$(VENV)/.tools: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo 'Python has no venv module; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@test -x $(BIN)/pip || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@mkdir -p build
	@$(BIN)/python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
		print(*p['dependencies'], *(d for e in '$(EXTRAS)'.split(',') for d in p['optional-dependencies'][e]), sep='\n')" \
		> build/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r build/requirements.txt
	@touch $@

build: $(EXTENSION)

$(EXTENSION): $(VENV)/.tools $(RUST_SOURCES)
	@command -v $(CARGO) > /dev/null || { echo 'cargo is not on the PATH; install Rust first' >&2; exit 1; }
	@command -v cc > /dev/null || { echo 'no C compiler; on Debian: apt-get install gcc make' >&2; exit 1; }
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --quiet
	@touch $@

run: build
	$(BIN)/python examples/quickstart.py
	$(BIN)/hybrid-rs report --out $(REPORT)

# ---- checks

# What is quick to fail comes first. Each step can be run alone.
test: build
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-rust
	@$(MAKE) --no-print-directory test-rust-python
	@$(MAKE) --no-print-directory test-python
	@$(MAKE) --no-print-directory smoke
	@echo 'make test: all passed'

lint: build
	$(CARGO) fmt --check
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(BIN)/mypy
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --all-targets --no-default-features -- -D warnings
	$(CARGO) clippy --all-targets --features hybrid-lite -- -D warnings
	$(CARGO) clippy --all-targets --features python -- -D warnings

format: $(VENV)/.tools
	$(CARGO) fmt
	$(BIN)/ruff check --fix $(PYTHON_SOURCES)
	$(BIN)/ruff format $(PYTHON_SOURCES)

# In the dev profile: overflow checks and debug assertions are on, and the program with the Python feature finds its
# dependencies where clippy's build scripts left theirs.
test-rust:
	$(CARGO) test --quiet
	$(CARGO) test --quiet --no-default-features
	$(CARGO) test --quiet --features hybrid-lite

# The test program has an interpreter in it, so it links libpython, which a system without Python's development files
# can't; the binding itself is covered by pytest either way.
LIBDIR = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR") or "")')
LIBPYTHON = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("LDLIBRARY") or "")')

test-rust-python: build
	@if test -e "$(LIBDIR)/$(LIBPYTHON)"; then \
		echo '$(CARGO) test --quiet --features python'; \
		LD_LIBRARY_PATH="$(LIBDIR)$${LD_LIBRARY_PATH:+:$$LD_LIBRARY_PATH}" $(CARGO) test --quiet --features python; \
	else \
		echo 'skipped: cargo test --features python ($(LIBPYTHON) is not in $(LIBDIR); Debian: python3-dev)'; \
	fi

test-python: build
	$(BIN)/python -m pytest

# Every bench runs, none is timed.
smoke: build
	$(CARGO) bench --quiet --bench hybrid_benchmark -- --test
	$(BIN)/python -m pytest benches --benchmark-disable
	$(BIN)/python benches/stop_latency.py --samples 1 > /dev/null
	$(BIN)/python benches/compare_vm.py --smoke > /dev/null
	$(BIN)/python benches/elementary.py --smoke > /dev/null
	$(BIN)/python benches/first_native.py --samples 1 > /dev/null
	@if test "$$(uname -m)" = x86_64; then \
		echo 'benches/compare_busy.py'; $(BIN)/python benches/compare_busy.py --batch 20000 --samples 3 > /dev/null; \
	else \
		echo 'skipped: benches/compare_busy.py (its C is compiled with x86-64 flags)'; \
	fi

# ---- the rest

bench: build
	$(CARGO) bench --bench hybrid_benchmark
	$(BIN)/python -m pytest benches --benchmark-only

wheel: $(VENV)/.tools
	$(BIN)/maturin build --release --out dist

clean:
	rm -rf target build dist $(VENV) $(EXTENSION) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find python tests benches examples -name __pycache__ -prune -exec rm -rf {} +
