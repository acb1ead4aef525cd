package spacy

import (
	"bytes"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
	"github.com/tinylib/msgp/msgp"
)

func TestVectors(t *testing.T) {
	s := small
	s.vectors = 3
	files := s.files(t, 1)
	v := &vectors{}
	if err := v.readTable(files["vocab/vectors"]); err != nil || v.rows != len(vectorWords) || v.dim != 3 {
		t.Fatalf("%d rows of %d, %v", v.rows, v.dim, err)
	}
	v.keys = files["vocab/key2row"]
	if err := v.readKeys(); err != nil {
		t.Fatal(err)
	}
	for i, w := range vectorWords {
		if got, want := v.row(tokenizer.StringID(w)), (i+2)%len(vectorWords); got != want {
			t.Errorf("row of %q = %d, want %d", w, got, want)
		}
	}
	for _, id := range []uint64{0, 1, tokenizer.StringID("The"), 1<<64 - 1} {
		if got := v.row(id); got != -1 {
			t.Errorf("row of an unknown id = %d", got)
		}
	}
}

// TestManyKeys checks that an index of many keys finds every key.
func TestManyKeys(t *testing.T) {
	const n = 5000
	keys := msgp.AppendMapHeader(nil, n)
	for i := range uint64(n) {
		keys = msgp.AppendUint64(msgp.AppendUint64(keys, mix64(i)), i)
	}
	v := &vectors{rows: n, keys: keys}
	if err := v.readKeys(); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(n) {
		if got := v.row(mix64(i)); got != int(i) {
			t.Fatalf("row of key %d = %d", i, got)
		}
	}
}

// TestEqualKeys checks that of equal keys the last one counts, as in Python.
func TestEqualKeys(t *testing.T) {
	const n = 50_000
	keys := msgp.AppendMapHeader(nil, n)
	for i := range uint64(n) {
		keys = msgp.AppendUint64(msgp.AppendUint64(keys, 7), i)
	}
	v := &vectors{rows: n, keys: keys}
	if err := v.readKeys(); err != nil || v.row(7) != n-1 || v.row(8) != -1 {
		t.Errorf("row %d, %v, want %d", v.row(7), err, n-1)
	}
}

func TestBadVectors(t *testing.T) {
	for name, c := range map[string]struct{ file, old, new, want string }{
		"floret":         {"vocab/vectors.cfg", "default", "floret", `the word vectors have the mode "floret", can run only the mode "default": train with`},
		"another mode":   {"vocab/vectors.cfg", "{", "", "invalid character"},
		"no array":       {"vocab/vectors", "NUMPY", "NUMPI", "vocab/vectors: not a .npy file of version 1"},
		"another type":   {"vocab/vectors", "<f4", "<f8", "want a table of <f4 in C order"},
		"another order":  {"vocab/vectors", "False", "True ", "want a table of <f4 in C order"},
		"another size":   {"vocab/vectors", "(5, 3)", "(6, 3)", "vocab/vectors: shape (6, 3) with 60 bytes"},
		"an overflow":    {"vocab/vectors", "(5, 3)", "(2147483648, 2147483648)", "vocab/vectors: "},
		"a row too many": {"vocab/key2row", "\x04", "\x05", "vocab/key2row: id "},
		"no vectors":     {"vocab/vectors", "(5, 3)", "(0, 3)", "with 60 bytes"},
	} {
		s := small
		s.vectors = 3
		files := s.files(t, 1)
		edit(t, files, c.file, c.old, c.new)
		if _, err := openFiles(files, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want …%s…", name, err, c.want)
		}
	}
	s := small
	s.vectors = 4
	files := s.files(t, 1)
	s.vectors = 3
	files["vocab/vectors"] = s.files(t, 1)["vocab/vectors"]
	const want = "W has shape [8 4], want [8 3] (vocab/vectors has vectors of 3)"
	if _, err := openFiles(files, Options{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("vectors of another width: %v, want …%s…", err, want)
	}
}

// FuzzVectors checks that two arbitrary files make an error or a table that works.
func FuzzVectors(f *testing.F) {
	f.Add([]byte("\x93NUMPY\x01\x00\x40\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }     \n1234"), []byte{0x81, 5, 0})
	f.Fuzz(func(t *testing.T, table, keys []byte) {
		v := &vectors{keys: keys}
		if v.readTable(table) != nil || v.readKeys() != nil {
			return
		}
		for id := range uint64(300) {
			if row := v.row(id); row >= v.rows {
				t.Errorf("id %d has row %d of %d", id, row, v.rows)
			}
		}
	})
}

// version1 gives the networks of a pipeline the names of version 1. The files are the same.
func version1(t *testing.T, files map[string][]byte) {
	t.Helper()
	for _, name := range []string{"TransitionBasedParser", "Tagger", "Tok2Vec", "MultiHashEmbed", "MaxoutWindowEncoder"} {
		files["config.cfg"] = bytes.ReplaceAll(files["config.cfg"], []byte("spacy."+name+".v2"), []byte("spacy."+name+".v1"))
	}
}

// In networks of version 1 a word without a vector has that of the last row.
func TestUnknownWordOfVersion1(t *testing.T) {
	s := small
	s.vectors = 3
	for _, listen := range []bool{false, true} {
		s.listen = listen
		files := s.files(t, 1)
		for _, want := range []int{-1, len(vectorWords) - 1} {
			p, err := openFiles(files, Options{})
			if err != nil {
				t.Fatal(err)
			}
			v := p.ner.tok2vec.static.vectors
			if got := v.row(tokenizer.StringID("Unknown")); got != want {
				t.Errorf("listen %v: the row of an unknown word is %d, want %d", listen, got, want)
			}
			if got := v.row(tokenizer.StringID("the")); got != 2 {
				t.Errorf("listen %v: the row of a word is %d, want 2", listen, got)
			}
			version1(t, files)
		}
	}
}
