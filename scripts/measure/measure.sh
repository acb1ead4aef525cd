#!/usr/bin/env bash
# The engine's figures on this machine: time per text against real spaCy in the
# same minutes, time to load, memory of workers, cost against length and against
# what a text is made of, memory after 2,000,000 words.
#
#   scripts/measure/measure.sh [en_core_web_sm|en_core_web_md]
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/parity/setup.sh
make_venv
get_model "${1:-en_core_web_sm}" >&2
go build -o .cache/narwhal ./cmd/narwhal
go build -o .cache/measure ./scripts/measure
# One core for both: a thread more would not be the engine's merit.
export OMP_NUM_THREADS=1
.cache/measure -python "$python" -model "$model" -narwhal .cache/narwhal
