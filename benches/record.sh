#!/usr/bin/env bash
# Measures this machine for benches/record/: the engine tests first, then the full report and the comparison with C (and
# Numba where it is installed). Works on an installed package or a checkout.
#
#     benches/record.sh OUT [PYTHON]
set -euo pipefail
out=${1:?usage: benches/record.sh OUT [PYTHON]}
python=${2:-.venv/bin/python}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p "$out"
"$python" -m hybrid_rs info > "$out/info.txt"
"$python" -m pytest -q -p no:cacheprovider tests/engine 2>&1 | tail -n 15 | tee "$out/tests.txt"
"$python" -m hybrid_rs report --out "$out/report"
"$python" benches/compare_busy.py --json > "$out/compare_busy.json"
"$python" benches/stop_latency.py | tee "$out/stop_latency.txt"
"$python" benches/compare_busy.py | tee "$out/compare_busy.txt"
"$python" benches/compare_vm.py --json > "$out/compare_vm.json"
"$python" benches/compare_vm.py | tee "$out/compare_vm.txt"
