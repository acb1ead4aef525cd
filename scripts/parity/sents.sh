#!/usr/bin/env bash
# Compares narwhal with spaCy on pipelines that find sentences with a senter or a
# sentencizer instead of a parser. sents.py makes them.
#
#   scripts/parity/sents.sh [TOKENS]
set -euo pipefail
cd "$(dirname "$0")/../.."

tokens=${1:-50000}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

make_venv
fetch_model en_core_web_sm
sents=$cache/sents
rm -rf "$sents"
mkdir -p "$sents"
"$python" scripts/parity/sents.py "$model" "$sents"
make_corpus "$tokens" ../shared/data
for name in senter sentencizer rules listener; do
	printf 'parity: the pipeline %s\n' "$name"
	"$python" scripts/parity/reference.py "$sents/$name" "$corpus" "$sents/answers" --processes 1
	go run ./scripts/parity -model "$sents/$name" -corpus "$corpus" -min "$tokens" "$sents"/answers.[0-9]*
done
