#!/usr/bin/env bash
# Trains a small pipeline as a user does, with spacy init config and spacy train, and
# compares narwhal with spaCy on it. Its entity recognizer listens to a shared tok2vec and
# has labels of its own. The pipeline has no parser.
#
#   scripts/parity/train.sh [TOKENS]
set -euo pipefail
cd "$(dirname "$0")/../.."

tokens=${1:-50000} steps=120
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

make_venv
zoo=$cache/zoo
rm -rf "$zoo"
mkdir -p "$zoo"
"$python" scripts/parity/train_data.py "$zoo"
"$python" -m spacy init config --lang en --pipeline ner "$zoo/config.cfg" >"$zoo/log"
"$python" -m spacy train "$zoo/config.cfg" --paths.train "$zoo/train.spacy" --paths.dev "$zoo/dev.spacy" --output "$zoo" \
	--training.max_steps "$steps" --training.eval_frequency "$((steps / 3))" | tee -a "$zoo/log"

"$python" scripts/parity/corpus.py --tokens "$tokens" --out "$zoo/corpus.jsonl" 2>>"$zoo/log"
cat "$zoo/zoo.jsonl" >>"$zoo/corpus.jsonl"
"$python" scripts/parity/reference.py "$zoo/model-best" "$zoo/corpus.jsonl" "$zoo/answers" --processes 1
go run ./scripts/parity -python "$python" -model "$zoo/model-best" -corpus "$zoo/corpus.jsonl" -min "$tokens" "$zoo"/answers.[0-9]*
go run ./cmd/narwhal ner --model "./$zoo/model-best" 'Bjørn Lund fed the okapi in House 7.'
