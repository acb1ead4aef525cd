#!/usr/bin/env bash
# Compares narwhal with real spaCy on varied texts:
#
#   scripts/parity/parity.sh [-m en_core_web_sm|en_core_web_md] [-j PROCESSES] [-d DATA] [TOKENS]
#
# It keeps the environment, the models and the texts in .cache/parity for the next run.
# 1,000,000 tokens take real spaCy about five minutes of one core.
set -euo pipefail
cd "$(dirname "$0")/../.."

name=en_core_web_sm jobs=$(nproc) data=../shared/data
while getopts m:j:d: flag; do
	case $flag in
	m) name=$OPTARG ;;
	j) jobs=$OPTARG ;;
	d) data=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
tokens=${1:-1000000}
. scripts/parity/setup.sh

make_venv
get_model "$name"

make_corpus "$tokens" "$data"

answers=$cache/$name-$tokens
rm -f "$answers".[0-9]*
"$python" scripts/parity/reference.py "$model" "$corpus" "$answers" --processes "$jobs"

go run ./scripts/parity -python "$python" -model "$model" -corpus "$corpus" -min "$tokens" -data "$data" "$answers".[0-9]*
rm -f "$answers".[0-9]*
