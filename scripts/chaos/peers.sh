#!/usr/bin/env bash
# Plays the same events on narwhal and on Gunicorn from PyPI. Makes a virtual environment
# in .cache/chaos. With -doc docs/reliability.md it writes the table there.
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
