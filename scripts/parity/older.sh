#!/usr/bin/env bash
# Compares narwhal with spaCy on pipelines that older versions of spaCy have made. pip
# installs each version, older.py makes the pipelines with it, and the spaCy of the other
# comparisons loads them.
#
#   scripts/parity/older.sh [TOKENS [VERSION…]]
#
# Without a VERSION it takes one of each minor version from 3.0 to 3.7. It needs a Python of 3.8
# or 3.9: the older versions have no wheels for a later one.
set -euo pipefail
cd "$(dirname "$0")/../.."

tokens=${1:-20000}
versions=${*:2}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

find_old_python() {
	local p
	for p in python3.9 "$HOME"/.pyenv/versions/3.9.*/bin/python3 python3.8 "$HOME"/.pyenv/versions/3.8.*/bin/python3; do
		if "$p" -c '' 2>/dev/null; then
			printf '%s' "$p"
			return
		fi
	done
	say "no Python of 3.8 or 3.9 found (tried python3.9, python3.8 and pyenv's): install one"
	return 1
}

# The packages after spaCy have later versions that spaCy 3.0 cannot use.
make_old_venv() {
	old=$cache/older/venv-$1
	if [ -e "$old/done" ]; then
		return
	fi
	local base
	base=$(find_old_python)
	say "making a virtual environment with spaCy $1 and $("$base" --version)"
	rm -rf "$old"
	"$base" -m venv "$old"
	"$old/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: "spacy==$1" 'numpy<1.25' 'typing_extensions<4.6' 'click<8.1' 'setuptools<70'
	touch "$old/done"
}

make_venv
make_corpus "$tokens" ../shared/data
mkdir -p "$cache/older"
go build -o "$cache/older/parity" ./scripts/parity
go build -o "$cache/older/docs" ./scripts/parity/docs
for version in ${versions:-3.0.9 3.1.7 3.2.6 3.3.3 3.4.4 3.5.4 3.6.1 3.7.5}; do
	make_old_venv "$version"
	made=$cache/older/$version
	rm -rf "$made"
	"$old/bin/python" -W ignore scripts/parity/older.py "$made"
	for pipeline in efficiency accuracy default version1 chars; do
		printf "parity: %s of spaCy %s\n" "$pipeline" "$version"
		"$python" -W ignore scripts/parity/reference.py "$made/$pipeline" "$corpus" "$made/answers" --processes 1
		"$cache/older/parity" -model "$made/$pipeline" -corpus "$corpus" -min "$tokens" -entities 20 "$made"/answers.[0-9]*
	done
	for pipeline in efficiency version1; do
		printf "parity: all annotations of %s of spaCy %s\n" "$pipeline" "$version"
		"$python" scripts/parity/docs.py "$made/$pipeline" "$corpus" "$made/docs.jsonl"
		"$cache/older/docs" -model "./$made/$pipeline" -min "$tokens" "$made/docs.jsonl"
	done
done
