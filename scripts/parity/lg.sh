#!/usr/bin/env bash
# Compares narwhal with spaCy on a pipeline of the shape of en_core_web_lg, which no package
# index has. lg.py makes it of en_core_web_md. With -t it also prints how long the server
# takes to start with it, and the memory of its workers.
#
#   scripts/parity/lg.sh [-t] [ROWS [TOKENS]]
#
# 684,830 rows, the default, take 0.9 GB in .cache.
set -euo pipefail
cd "$(dirname "$0")/../.."

times=
if [ "${1:-}" = -t ]; then
	times=1
	shift
fi
rows=${1:-684830} tokens=${2:-100000}
. scripts/parity/setup.sh
export OMP_NUM_THREADS=1

make_venv
fetch_model en_core_web_md
name=lg-$rows
if [ ! -e "$cache/$name/config.cfg" ] || [ scripts/parity/lg.py -nt "$cache/$name/config.cfg" ]; then
	printf 'parity: making a pipeline with %s vectors\n' "$rows"
	rm -rf "$cache/$name" "$cache/$name.new"
	"$python" scripts/parity/lg.py "$model" "$cache/$name.new" "$rows"
	mv "$cache/$name.new" "$cache/$name"
fi
make_corpus "$tokens" ../shared/data
rm -f "$cache"/answers.[0-9]*
compare_made "$cache" "$corpus" "$name"
rm -f "$cache"/answers.[0-9]*
if [ -n "$times" ]; then
	go build -o .cache/narwhal ./cmd/narwhal
	go build -o .cache/measure ./scripts/measure
	.cache/measure -only start,memory -model "$cache/$name" -narwhal .cache/narwhal
fi
