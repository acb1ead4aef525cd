#!/usr/bin/env bash
# Compares all that narwhal finds in texts with real spaCy's Doc.to_json: entities, sentences,
# and the tag, pos, morph, lemma, dep and head of each token. It does so with a pipeline of
# spaCy's authors, and with small ones that docs_made.py makes.
#
#   scripts/parity/docs.sh [-m en_core_web_sm|en_core_web_md] [TOKENS [TOKENS OF THE SMALL ONES]]
set -euo pipefail
cd "$(dirname "$0")/../.."

name=en_core_web_sm
while getopts m: flag; do
	case $flag in
	m) name=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
tokens=${1:-100000} few=${2:-0}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

# compare DIR CORPUS TOKENS
compare() {
	local answers
	answers=$cache/docs-$(basename "$1").jsonl
	printf 'parity: all annotations of %s\n' "$(basename "$1")"
	"$python" scripts/parity/docs.py "$1" "$2" "$answers"
	go run ./scripts/parity/docs -model "./$1" -min "$3" "$answers"
	rm -f "$answers"
}

make_venv
fetch_model "$name"
make_corpus "$tokens" ../shared/data
compare "$model" "$corpus" "$tokens"
if [ "$few" -gt 0 ]; then
	made=$cache/docs-made
	rm -rf "$made"
	mkdir -p "$made"
	"$python" scripts/parity/docs_made.py "$model" "$made"
	make_corpus "$few" ../shared/data
	for pipeline in "$made"/*/; do
		compare "${pipeline%/}" "$corpus" "$few"
	done
fi
