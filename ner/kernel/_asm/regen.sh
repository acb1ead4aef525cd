#!/bin/sh
# Writes the assembly of package kernel and of package peak:
#
#	regen.sh           to the folders of the packages (also: go generate ./ner/kernel)
#	regen.sh -check    to a temporary folder, and fails if it differs from the packages' files
set -eu
cd "$(dirname "$0")"
home=$(dirname "$PWD")
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
go build -o "$work/asm" .

# write VARIANT PACKAGE FILE writes to the working folder. FILE is a relative path, because the
# command line becomes a part of the file.
write() {
	"$work/asm" -variant "$1" -pkg "$2" -out "$3_amd64.s" -stubs "$3_amd64.go"
}

to=$home
if [ "${1-}" = -check ]; then
	to=$work/new
	mkdir -p "$to/peak"
fi
cd "$to"
write avx2 kernel avx2
write avx512 kernel avx512
cd peak
write peak peak loop

if [ "$to" != "$home" ]; then
	for file in avx2_amd64 avx512_amd64 peak/loop_amd64; do
		cmp "$home/$file.s" "$to/$file.s"
		cmp "$home/$file.go" "$to/$file.go"
	done
fi
