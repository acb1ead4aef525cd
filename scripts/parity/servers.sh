#!/usr/bin/env bash
# The original's two programs and narwhal, all running: what each answers to the
# same texts over HTTP. narwhal's answers must be FastAPI's byte for byte, and
# Flask's object, whose keys are sorted.
#
#   scripts/parity/servers.sh [TEXTS]
set -euo pipefail
cd "$(dirname "$0")/../.."

texts=${1:-1200}
. scripts/parity/setup.sh

make_venv
get_model en_core_web_sm
go build -o .cache/narwhal ./cmd/narwhal
make_corpus 100000 ../shared/data # that of en_core_web_md
"$python" scripts/parity/servers.py --narwhal .cache/narwhal --model "$model" --corpus "$corpus" --texts "$texts"
