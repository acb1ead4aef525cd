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

// input is what the arguments of narwhal ner name: a text, or files. The file "-" is
// standard input.
type input struct {
	text  string
	files []string
}

// readArgs decides whether the arguments are a text or files. It fails for a directory,
// for a mix of files and text, and for an argument that looks like the name of a file that
// does not exist. So a mistyped name is not taken for a text.
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

// flagsFirst returns an error if a long flag follows the first argument. There the parser
// of flags takes it for an argument.
func flagsFirst(command string, args []string) error {
	for _, arg := range args[min(1, len(args)):] {
		if strings.HasPrefix(arg, "--") && len(arg) > 2 {
			return &usageError{what: fmt.Sprintf("%s comes after %q", arg, args[0]), hint: fmt.Sprintf("flags come first: narwhal %s %s …", command, arg)}
		}
	}
	return nil
}

// looksLikeFile reports whether an argument without spaces has a slash, or an extension of
// 2 to 5 characters such as .txt.
func looksLikeFile(arg string) bool {
	if strings.ContainsAny(arg, " \t\n") {
		return false
	}
	ext := strings.TrimPrefix(filepath.Ext(arg), ".")
	return strings.Contains(arg, "/") || len(ext) >= 2 && len(ext) <= 5 && !strings.ContainsAny(ext, "!?.,:;")
}

// stdin reports whether standard input is one of the files.
func (in input) stdin() bool { return slices.Contains(in.files, "-") }

// each opens the files one after the other and calls do with each. The name of standard
// input is empty. each stops at the first error.
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

// texts calls do with each text as a whole and the name of its file. The name is empty
// for a text from the arguments or from standard input. A newline at the end of a file
// belongs to the text, as for spaCy.
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

// size returns the bytes of all files, or -1 if one of them, such as a pipe, has no
// known size.
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
