#!/bin/sh
# curl against / and /v1/entities: bodies of all kinds, kept connections, compression.
set -eu
url=$1
body='{"text": "Angela Merkel went to Hamburg."}'
curl() { command curl -sS --fail-with-body --max-time 60 "$@"; }
same() { # what, got, want
  [ "$2" = "$3" ] || { printf '%s:\n got %s\nwant %s\n' "$1" "$2" "$3" >&2; exit 1; }
}

want=$(curl -d "$body" -H 'Content-Type: application/json' "$url/v1/entities")
case $want in *'"text":"Hamburg"'*) ;; *) echo "no entity: $want" >&2; exit 1 ;; esac
same "the type of a form" "$(curl -d "$body" "$url/v1/entities")" "$want"
same "--json" "$(curl --json "$body" "$url/v1/entities")" "$want"
same "HTTP/1.0" "$(curl -0 --json "$body" "$url/v1/entities")" "$want"
same "a request for HTTP/2" "$(curl --http2 --json "$body" "$url/v1/entities")" "$want"
same "chunked" "$(printf %s "$body" | curl -T - -X POST -H 'Content-Type: application/json' "$url/v1/entities")" "$want"
same "Expect" "$(curl -H 'Expect: 100-continue' --json "$body" "$url/v1/entities")" "$want"
same "--compressed" "$(curl --compressed --json "$body" "$url/v1/entities")" "$want"
same "a gzip body" "$(printf %s "$body" | gzip | curl --data-binary @- -H 'Content-Encoding: gzip' -H 'Content-Type: application/json' "$url/v1/entities")" "$want"
same "a kept connection" "$(curl --json "$body" "$url/v1/entities" --next -sS --json "$body" "$url/v1/entities")" "$want$want"
same "a head" "$(curl -I "$url/healthz" | head -n 1 | tr -d '\r')" "HTTP/1.1 200 OK"
same "an error" "$(curl -o /dev/null -w '%{http_code}' --json '{' "$url/v1/entities" 2>/dev/null || true)" 400
# A body above 1 MB, for which curl asks for permission.
{ printf '{"text": "'; head -c 900000 /dev/zero | tr '\0' x; printf '"}'; } >"$2/large"
case $(curl --json "@$2/large" "$url/v1/entities") in *'"ents":'*) ;; *) echo "a large body was not answered" >&2; exit 1 ;; esac
