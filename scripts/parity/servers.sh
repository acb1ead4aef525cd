#!/usr/bin/env bash
# Starts the original's two programs and narwhal, and sends the same texts to all three over
# HTTP. narwhal's answers must have the same bytes as FastAPI's, and must be the same objects
# as Flask's. (Flask sorts the keys.) Then it compares the tokens, sentences and entities of
# /v1/entities with spaCy's own.
#
#   scripts/parity/servers.sh [TEXTS]
set -euo pipefail
cd "$(dirname "$0")/../.."

texts=${1:-1200}
. scripts/parity/setup.sh

make_venv
get_model en_core_web_sm
go build -o .cache/narwhal ./cmd/narwhal
make_corpus 50000 ../shared/data # the same texts as for en_core_web_md
"$python" scripts/parity/servers.py --narwhal .cache/narwhal --model "$model" --corpus "$corpus" --texts "$texts"
