#!/usr/bin/env bash
# What the comparisons of `make test` need and the network or one core takes long
# for: it runs beside the first steps. A machine that has it is done at once.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/parity/setup.sh
make_venv
fetch_model en_core_web_sm
fetch_model en_core_web_md
make_corpus 1000000 ../shared/data
