#!/usr/bin/env bash
# Compares narwhal's tokenizer and its regular expressions with spaCy and Python's re, with
# random patterns, patterns of older versions of spaCy, and texts. tokenizers.py makes them.
#
#   scripts/parity/tokenizers.sh [CASES [SEED [TOKENS]]]
#
# CASES tokenizers and four times as many regular expressions are compared, each with 20
# texts. Then en_core_web_sm with other tokenizers runs over TOKENS tokens of the corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."

cases=${1:-300}
seed=${2:-1}
tokens=${3:-5000}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

# The last release of each minor version. Only their files with patterns are read.
old=(3.0.9 3.1.7 3.2.6 3.3.3 3.4.4 3.5.4 3.6.1 3.7.5)

make_venv
fetch_model en_core_web_sm
folders=()
for version in "${old[@]}"; do
	folder=$cache/spacy-old/$version
	if [ ! -d "$folder" ]; then
		say "pip download spacy==$version"
		tmp=$(mktemp -d "$cache/get.XXXXXX")
		"$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
			--python-version 3.9 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --dest "$tmp" "spacy==$version"
		"$python" -m zipfile -e "$tmp"/*.whl "$tmp/wheel"
		mkdir -p "$folder.new/spacy"
		mv "$tmp/wheel/spacy/lang" "$folder.new/spacy/lang"
		mv "$folder.new" "$folder"
		rm -rf "$tmp"
	fi
	folders+=("$folder")
done

made=$cache/tokenizers
rm -rf "$made"
mkdir -p "$made"
printf 'parity: %s cases with tokenizers\n' "$cases"
names=$("$python" scripts/parity/tokenizers.py "$model" "$made/cases.jsonl" --cases "$cases" --seed "$seed" --old "${folders[@]}" --pipelines "$made")
go run ./scripts/parity/tokenizers -model "$model" -min $((5 * cases)) "$made/cases.jsonl"

make_corpus "$tokens" ../shared/data
tokens=$((tokens / 2)) # the least number; other tokenizers find fewer tokens than English's
compare_made "$made" "$corpus" $names
