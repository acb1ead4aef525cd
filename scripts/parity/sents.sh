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
compare_made "$sents" "$corpus" senter sentencizer rules listener
