#!/usr/bin/env bash
# Makes what the comparisons of `make test` need, as far as it takes the network, or one
# core for long. `make test` runs it beside its first steps. It does nothing that an
# earlier run has done.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/parity/setup.sh
make_venv
fetch_model en_core_web_sm
fetch_model en_core_web_md
for package in "${foreign[@]}"; do fetch_package "$package"; done
make_corpus 200000 ../shared/data
