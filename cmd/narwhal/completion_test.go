package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completions has a program for each shell. The program runs the script that narwhal
// prints for the shell, and prints what the shell offers for the last of some words.
var completions = map[string]struct {
	program string // reads the script's path from $1 and the words from the rest
	equals  bool   // the shell splits --flag=value into three words
}{
	"bash": {`. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _narwhal; printf '%s\n' "${COMPREPLY[@]}"`, true},
	// Without a terminal zsh has no completion. So the program replaces the functions
	// that the script calls.
	"zsh": {`script=$1; shift; words=("$@"); CURRENT=$#; PREFIX=$words[$CURRENT]
		offer() { for w in "$@"; do [[ $w == "$PREFIX"* ]] && print -r -- "$w"; done }
		compdef() { }
		compset() { PREFIX=${PREFIX#*=} }
		compadd() { shift; offer "$@" }
		_describe() { local name=${@[-1]}; offer "${(@)${(@P)name}%%:*}" }
		_files() { offer *(N) }
		. "$script"; _narwhal; true`, false},
	"fish": {`source $argv[1]; complete -C (string join -- " " $argv[2..-1]) | string replace -r '\t.*' ''; true`, false},
}

func TestCompletion(t *testing.T) {
	for shell, how := range completions {
		t.Run(shell, func(t *testing.T) {
			needTool(t, shell)
			dir := t.TempDir()
			script := filepath.Join(dir, "script")
			if err := os.WriteFile(script, []byte(printed(t, "completion "+shell)), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "some.txt"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				line string // its last word, which may be empty, is completed
				want string // some words that are offered
				not  string // words that are not offered
			}{
				{"narwhal ", "serve bench ner model status health reload upgrade scale stop help completion version", "manual some.txt pull"},
				{"narwhal m", "model", "ner"},
				{"narwhal --worker-c", "--worker-class --worker-connections", "--workers --bind"},
				{"narwhal -k ", "sync concurrent", "serve some.txt"},
				{"narwhal --worker-class s", "sync", "concurrent"},
				{"narwhal --worker-class=s", "sync", "concurrent"},
				{"narwhal serve --log-format ", "text json", "sync"},
				{"narwhal -w 2 --log-format j", "json", "text"},
				{"narwhal -c s", "some.txt", "serve stop"},
				{"narwhal -w ", "auto", "some.txt serve"},
				{"narwhal --model ", "auto prose en_core_web_md some.txt", "serve"},
				{"narwhal model ", "pull add list check remove", "serve some.txt"},
				{"narwhal model pull ", "en_core_web_sm en_core_web_md en_core_web_lg", "pull some.txt"},
				{"narwhal model add --n", "--name", "--workers"},
				{"narwhal model add s", "some.txt", "serve"},
				{"narwhal ner --model p", "prose", "pull"},
				{"narwhal bench --unix-socket s", "some.txt", "serve"},
				{"narwhal bench --", "--requests --check --slo", "--workers"},
				{"narwhal help work", "workers worker-class", "model"},
				{"narwhal help HU", "HUP", "help"},
				{"narwhal completion ", "bash zsh fish", "serve"},
			} {
				words := strings.Split(c.line, " ")
				last := words[len(words)-1]
				if flag, value, ok := strings.Cut(last, "="); ok && how.equals {
					words = append(words[:len(words)-1], flag, "=", value)
				}
				args := append([]string{"-c", how.program}, script)
				if shell != "fish" {
					args = slices.Insert(args, 2, shell) // $0
				}
				cmd := exec.Command(shell, append(args, words...)...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "HOME="+dir)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%q: %v\n%s", c.line, err, out)
				}
				var offered []string
				for _, w := range strings.Fields(string(out)) {
					if flag, value, ok := strings.Cut(w, "="); ok && strings.HasPrefix(flag, "--") { // fish offers the flag and the value
						w = value
					}
					offered = append(offered, w)
				}
				for _, want := range strings.Fields(c.want) {
					if !slices.Contains(offered, want) {
						t.Errorf("%q: offered %q, want %s", c.line, offered, want)
					}
				}
				for _, not := range strings.Fields(c.not) {
					if slices.Contains(offered, not) {
						t.Errorf("%q: offered %s, which does not belong there", c.line, not)
					}
				}
			}
		})
	}
	if o := try(t, "completion tcsh"); o.status != 2 || !strings.Contains(o.err.String(), "hint: it is bash, zsh or fish") {
		t.Errorf("completion tcsh: status %d, %s", o.status, &o.err)
	}
}
