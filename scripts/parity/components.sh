#!/usr/bin/env bash
# Compares narwhal with spaCy on pipelines with other components and other networks than
# those of en_core_web_sm. components.py makes them.
#
#   scripts/parity/components.sh [TOKENS]
set -euo pipefail
cd "$(dirname "$0")/../.."

tokens=${1:-50000}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

make_venv
fetch_model en_core_web_sm
made=$cache/components
rm -rf "$made"
mkdir -p "$made"
"$python" scripts/parity/components.py "$model" "$made"
make_corpus "$tokens" ../shared/data
for name in after two crossed window flat extra everything; do
	printf 'parity: the pipeline %s\n' "$name"
	"$python" scripts/parity/reference.py "$made/$name" "$corpus" "$made/answers" --processes 1
	go run ./scripts/parity -model "$made/$name" -corpus "$corpus" -min "$tokens" "$made"/answers.[0-9]*
done
