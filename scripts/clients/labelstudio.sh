#!/usr/bin/env bash
# Lets a real Label Studio ask narwhal for predictions, and compares them with what
# /v1/entities answers.
#
#   scripts/clients/labelstudio.sh [-look] [TEXTS…]
#
# A file of TEXTS has a text a line: a string of JSON, or an object with "text". Without one
# the texts are those of ner/spacy/testdata/entities.txt. Label Studio comes from the Python
# package index into .cache/labelstudio, which then has 1 GB. With -look both servers run
# until Enter, so that somebody can look at the predictions in the browser.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/parity/setup.sh # find_python

look=
if [ "${1-}" = -look ]; then
	look=yes
	shift
fi
[ $# -gt 0 ] || set -- ner/spacy/testdata/entities.txt

here=.cache/labelstudio
want=label-studio==1.23.2
mkdir -p $here
if [ "$(cat $here/installed 2>/dev/null)" != $want ]; then
	echo "installing $want into $here"
	rm -rf $here/venv
	"$(find_python)" -m venv $here/venv
	$here/venv/bin/pip install --quiet --disable-pip-version-check $want
	echo $want >$here/installed
fi
go run ./scripts/embedmodel >/dev/null # into models
go build -o $here/narwhal ./cmd/narwhal

data=$(mktemp -d)
narwhal= studio=
stop() {
	[ -z "$narwhal" ] || kill "$narwhal" 2>/dev/null || true
	[ -z "$studio" ] || kill -- "-$studio" 2>/dev/null || true # it has started others
	wait
	rm -rf "$data"
}
trap stop EXIT

$here/narwhal -k concurrent -w 1 --bind 127.0.0.1:0 --model models/en_core_web_sm --limit-body 32MiB 2>"$data/narwhal.log" &
narwhal=$!
until grep -qs ' event=serving ' "$data/narwhal.log"; do
	kill -0 $narwhal || { cat "$data/narwhal.log" >&2; exit 1; }
	sleep 0.1
done
url=http://$(sed -n 's/.* event=serving address=\([^ ]*\) .*/\1/p' "$data/narwhal.log")

# Label Studio cannot choose a free port itself.
port=$($here/venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
user=somebody@example.org password=narwhal-$RANDOM$RANDOM
export ML_BLOCK_LOCAL_IP=false SSRF_PROTECTION_ENABLED=false # or Label Studio refuses an address of this machine
export DJANGO_DB=sqlite COLLECT_ANALYTICS=false LATEST_VERSION_CHECK=false SENTRY_DSN='' FRONTEND_SENTRY_DSN=''
setsid $here/venv/bin/label-studio start --no-browser --internal-host 127.0.0.1 --port "$port" --data-dir "$data/studio" \
	--username $user --password "$password" >"$data/studio.log" 2>&1 &
studio=$!
$here/venv/bin/python scripts/clients/labelstudio.py "$url" "http://127.0.0.1:$port" $user "$password" "$@" || {
	tail -n 40 "$data/studio.log" >&2
	exit 1
}
if [ $look ]; then
	echo "Label Studio: http://127.0.0.1:$port, user $user, password $password. Enter ends it."
	read -r _
fi
