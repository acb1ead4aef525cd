#!/usr/bin/env bash
# Compares narwhal with spaCy on pipelines with other components and other networks than
# those of en_core_web_sm. components.py makes them.
#
#   scripts/parity/components.sh [TOKENS]
#
# The texts are TOKENS tokens of the corpus, and 300 texts about the zoo, in which the
# small pipelines find entities.
set -euo pipefail
cd "$(dirname "$0")/../.."

tokens=${1:-10000}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

make_venv
fetch_model en_core_web_sm
made=$cache/components
rm -rf "$made"
mkdir -p "$made"
"$python" scripts/parity/components.py "$model" "$made"
"$python" scripts/parity/train_data.py "$made"
make_corpus "$tokens" ../shared/data
head -n 300 "$made/zoo.jsonl" | cat "$corpus" - >"$made/corpus.jsonl"
compare_made "$made" "$made/corpus.jsonl" after two crossed window flat extra chars all novocab rules version1 chars1
