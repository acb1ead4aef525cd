package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// input is what the arguments of narwhal ner ask for: a text, or files, of
// which "-" is standard input.
type input struct {
	text  string
	files []string
}

// readArgs tells texts from files. A mistyped file name must not be taken for
// a text, so an argument that looks like a name, with a slash or an extension
// and no blank, has to be a file.
func readArgs(args []string) (input, error) {
	if len(args) == 0 {
		return input{files: []string{"-"}}, nil
	}
	if err := flagsFirst("ner", args); err != nil {
		return input{}, err
	}
	var words, files []string
	for _, arg := range args {
		if arg == "-" {
			files = append(files, arg)
			continue
		}
		info, err := os.Stat(arg)
		switch {
		case err == nil && info.IsDir():
			return input{}, &usageError{what: arg + " is a directory", hint: "give the files in it: narwhal ner " + strings.TrimSuffix(arg, "/") + "/*"}
		case err == nil:
			files = append(files, arg)
		case looksLikeFile(arg):
			if !errors.Is(err, fs.ErrNotExist) {
				return input{}, err
			}
			return input{}, &usageError{what: "there is no file " + arg, hint: fmt.Sprintf("if that is a text, pipe it in: printf %%s '%s' | narwhal ner", arg)}
		default:
			words = append(words, arg)
		}
	}
	if len(words) > 0 && len(files) > 0 {
		return input{}, &usageError{what: fmt.Sprintf("%s is a file and %q is not", files[0], words[0]), hint: "give files, or one text in quotes"}
	}
	return input{text: strings.Join(words, " "), files: files}, nil
}

// flagsFirst refuses flags behind the first argument, which package flag takes
// for arguments.
func flagsFirst(command string, args []string) error {
	for _, arg := range args[min(1, len(args)):] {
		if strings.HasPrefix(arg, "--") && len(arg) > 2 {
			return &usageError{what: fmt.Sprintf("%s comes behind %q", arg, args[0]), hint: fmt.Sprintf("flags come first: narwhal %s %s …", command, arg)}
		}
	}
	return nil
}

func looksLikeFile(arg string) bool {
	if strings.ContainsAny(arg, " \t\n") {
		return false
	}
	ext := strings.TrimPrefix(filepath.Ext(arg), ".")
	return strings.Contains(arg, "/") || len(ext) >= 2 && len(ext) <= 5 && !strings.ContainsAny(ext, "!?.,:;")
}

// stdin reports whether any of the input is standard input.
func (in input) stdin() bool { return slices.Contains(in.files, "-") }

// each opens the files one after the other and calls do with each. The name of
// standard input is empty.
func (in input) each(stdin io.Reader, do func(name string, r io.Reader) error) error {
	for _, file := range in.files {
		if file == "-" {
			if err := do("", stdin); err != nil {
				return err
			}
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		err = do(file, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// texts calls do with every text, whole, and the name of its file, which is
// empty for the arguments and for standard input. It takes a text as it is,
// the newline at its end too: spaCy would see the same.
func (in input) texts(stdin io.Reader, do func(name, text string) error) error {
	if len(in.files) == 0 {
		return do("", in.text)
	}
	return in.each(stdin, func(name string, r io.Reader) error {
		raw, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return do(name, string(raw))
	})
}

// size is how much there is to read in all, or -1 if nobody can know.
func (in input) size(stdin io.Reader) int64 {
	var sum int64
	for _, file := range in.files {
		var info os.FileInfo
		var err error
		if file != "-" {
			info, err = os.Stat(file)
		} else if f, ok := stdin.(*os.File); ok {
			info, err = f.Stat()
		}
		if err != nil || info == nil || !info.Mode().IsRegular() {
			return -1
		}
		sum += info.Size()
	}
	return sum
}
