#!/usr/bin/env bash
# Installs pipelines in each form that spaCy's users have: the folder of nlp.to_disk, what
# spacy package writes, its source archive and its wheel, and a download of Hugging Face's
# client. Each must find the same entities as the folder.
#
#   scripts/parity/packages.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

. scripts/parity/setup.sh

make_venv
fetch_model en_core_web_sm
made=$cache/packages
rm -rf "$made"
mkdir -p "$made/out" "$made/data"
"$python" -m spacy package "$model" "$made/out" --name zoo --version 1.0 --build sdist,wheel >"$made/log" 2>&1 || { cat "$made/log" >&2; exit 1; }

# Files of a snapshot are links to blobs, which are named after their hashes.
hub=$made/models--someone--en_zoo
mkdir -p "$hub/blobs" "$hub/refs"
printf 0123abc >"$hub/refs/main"
(cd "$model" && find . -type f) | while read -r file; do
	file=${file#./}
	blob=$(sha256sum <"$model/$file" | cut -d' ' -f1)
	cp "$model/$file" "$hub/blobs/$blob"
	link=$hub/snapshots/0123abc/$file
	mkdir -p "$(dirname "$link")"
	ln -s "$(realpath -m --relative-to="$(dirname "$link")" "$hub/blobs/$blob")" "$link"
done

go build -o .cache/narwhal ./cmd/narwhal
export XDG_DATA_HOME=$PWD/$made/data
head -n 200 scripts/paragraph.txt >"$made/text"
.cache/narwhal ner --model "./$model" "$made/text" >"$made/want"
grep -q '"label"' "$made/want"
for form in "$model" "$made/out" "$made/out/en_zoo-1.0" "$made/out/en_zoo-1.0/en_zoo" "$made/out/en_zoo-1.0/dist/en_zoo-1.0.tar.gz" \
	"$made"/out/en_zoo-1.0/dist/en_zoo-1.0-*.whl "$hub" "$hub/snapshots/0123abc"; do
	.cache/narwhal model add --name zoo "./$form" >/dev/null
	.cache/narwhal ner --model zoo "$made/text" >"$made/got"
	cmp "$made/want" "$made/got"
	.cache/narwhal model remove zoo >/dev/null
	printf 'parity: %s: the same entities\n' "${form#"$made/"}"
done
