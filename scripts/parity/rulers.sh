#!/usr/bin/env bash
# Compares narwhal's entity_ruler and span_ruler with those of spaCy, with random rules and
# texts. rulers.py makes them.
#
#   scripts/parity/rulers.sh [CASES [SEED]]
#
# A case has about six rules in one to three rulers.
set -euo pipefail
cd "$(dirname "$0")/../.."

cases=${1:-300}
seed=${2:-1}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

make_venv
fetch_model en_core_web_sm
made=$cache/rulers-$cases-$seed.jsonl
printf 'parity: %s cases with rulers\n' "$cases"
"$python" scripts/parity/rulers.py "$model" "$made" --cases "$cases" --seed "$seed"
go run ./scripts/parity/rulers -model "$model" -min $((3 * cases)) "$made"
