#!/usr/bin/env bash
# Gunicorn from PyPI beside narwhal: makes a virtual environment in .cache/chaos,
# plays the events of both, and writes the table of docs/reliability.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.cache/chaos/venv
lock=scripts/chaos/requirements.txt
if ! cmp -s $lock $venv/requirements.txt; then
	echo "chaos: making a virtual environment with $(python3 --version) in $venv"
	rm -rf $venv
	python3 -m venv $venv
	$venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r $lock
	cp $lock $venv/requirements.txt
fi
exec go run ./scripts/chaos -peers $venv "$@"
