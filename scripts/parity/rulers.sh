#!/usr/bin/env bash
# Compares narwhal's entity_ruler and span_ruler with those of spaCy, with random rules and
# texts. rulers.py makes them. In every second case the rules also look at what other components
# find: those of en_core_web_sm, and those of small pipelines that docs_made.py makes.
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
small=$cache/rulers-made
if [ ! -e "$small/alone/config.cfg" ] || [ scripts/parity/docs_made.py -nt "$small/alone/config.cfg" ]; then
	rm -rf "$small"
	mkdir -p "$small"
	"$python" scripts/parity/docs_made.py "$model" "$small"
fi
made=$cache/rulers-$cases-$seed.jsonl
printf 'parity: %s cases with rulers\n' "$cases"
"$python" scripts/parity/rulers.py "$made" "$model" "$small"/{morph,extend,alone} --cases "$cases" --seed "$seed"
go run ./scripts/parity/rulers -min $((3 * cases)) "$made"
