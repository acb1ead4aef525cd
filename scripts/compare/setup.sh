#!/usr/bin/env bash
# Makes in .cache/compare what `make compare` needs: a virtual environment with the servers
# of requirements.txt, the compare program, and a narwhal of its own, which other builds do
# not replace during the run.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/parity/setup.sh # find_python

cache=.cache/compare
say() { printf 'compare: %s\n' "$*" >&2; }

mkdir -p "$cache"
lock=scripts/compare/requirements.txt
if ! cmp -s $lock "$cache/venv/requirements.txt"; then
	base=$(find_python)
	if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
		say "the packages in $lock need Python 3.12 or later, and $base is $("$base" --version 2>&1)"
		say "put a python3.12 or python3.13 into PATH and run it again. Debian 12 has none: use pyenv (pyenv install 3.12), or Debian 13"
		exit 1
	fi
	say "making a virtual environment with $("$base" --version) in $cache/venv"
	rm -rf "$cache/venv"
	"$base" -m venv "$cache/venv"
	"$cache/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r $lock
	cp $lock "$cache/venv/requirements.txt"
fi

export CGO_ENABLED=0 # as make builds it
say "building narwhal"
go build -trimpath -tags "$(go run ./scripts/embedmodel)" -o "$cache/narwhal" ./cmd/narwhal
go build -o "$cache/compare" ./scripts/compare
