package tokenizer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tinylib/msgp/msgp"
)

// pairs is a map for pack: a key, its value, the next key and so on. Its keys may have any
// type, and it keeps their order.
type pairs []any

// pack encodes maps, arrays, strings, numbers, booleans and nil as MessagePack.
func pack(values ...any) []byte {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case pairs:
			b = msgp.AppendMapHeader(b, uint32(len(v)/2))
			b = append(b, pack(v...)...)
		case []any:
			b = msgp.AppendArrayHeader(b, uint32(len(v)))
			b = append(b, pack(v...)...)
		default:
			var err error
			if b, err = msgp.AppendIntf(b, v); err != nil {
				panic(err)
			}
		}
	}
	return b
}

func TestReadTokenizerFile(t *testing.T) {
	got, err := readTokenizerFile(pack(pairs{
		"prefix_search", "p",
		"suffix_search", "s",
		"infix_finditer", "i",
		"token_match", nil,
		"url_match", "u",
		"something_new", pairs{"a", []any{1, 2}},
		"exceptions", pairs{
			"don't", []any{pairs{65, "do"}, pairs{65, "n't", 67, "not"}},
			"a.m.", []any{pairs{"NORM", "morning", "ORTH", "a.m."}},
			"\t", []any{pairs{65, "\t"}},
		},
		"faster_heuristics", false,
	}))
	want := &tokenizerFile{
		prefix: pattern{"p", true}, suffix: pattern{"s", true}, infix: pattern{"i", true}, url: pattern{"u", true},
		specials: map[string][]ruleToken{
			"don't": {{orth: "do"}, {orth: "n't", norm: "not"}},
			"a.m.":  {{orth: "a.m.", norm: "morning"}},
			"\t":    {{orth: "\t"}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tokenizerFile{}, ruleToken{}, pattern{})); diff != "" || err != nil {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
}

func TestReadTokenizerFileRefuses(t *testing.T) {
	special := func(text string, tokens ...any) pairs {
		return pairs{"exceptions", pairs{text, tokens}}
	}
	tests := []struct {
		name string
		file []byte
		want string // part of the error
	}{
		{"nothing", nil, "msgp"},
		{"no map", pack("x"), "msgp"},
		{"cut short", pack(pairs{"prefix_search", "ppp"})[:12], "msgp"},
		{"more after it", append(pack(pairs{}), 0), "after the end"},
		{"a number for a pattern", pack(pairs{"url_match", 7}), `"url_match"`},
		{"no UTF-8", pack(pairs{"url_match", "\xff"}), "UTF-8"},
		{"tokens that are not the text", pack(special("abc", pairs{65, "ab"}, pairs{65, "d"})), `"abc": its token "d"`},
		{"tokens that leave text out", pack(special("abc", pairs{65, "ab"})), `leave "c" out`},
		{"a token without text", pack(special("abc", pairs{65, "abc"}, pairs{67, "x"})), `its token ""`},
		{"a special case of nothing", pack(special("")), "special case"},
		{"another attribute", pack(special("abc", pairs{65, "abc", 73, "x"})), "attribute 73"},
		{"another attribute by name", pack(special("abc", pairs{"LEMMA", "abc"})), "attribute 73"},
		{"a count that cannot be", append(pack("exceptions"), 0xdf, 0xff, 0xff, 0xff, 0xff), "msgp"},
	}
	for _, tt := range tests {
		if _, err := readTokenizerFile(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestReadLexemeNorms(t *testing.T) {
	want := map[uint64]uint64{7: stringID("seven"), 1 << 63: stringID("big ")}
	got, err := readLexemeNorms(pack(pairs{
		"lexeme_prob", pairs{3, 0.5},
		"lexeme_norm", pairs{7, "seven", uint64(1 << 63), "big "},
	}))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, -want +got:\n%s", err, diff)
	}
	for name, none := range map[string][]byte{"no file": nil, "no table": pack(pairs{})} {
		if got, err := readLexemeNorms(none); len(got) != 0 || err != nil {
			t.Errorf("%s: %v, %v, want nothing", name, got, err)
		}
	}
	for name, broken := range map[string][]byte{
		"a string for an id":  pack(pairs{"lexeme_norm", pairs{"seven", "seven"}}),
		"a number for a norm": pack(pairs{"lexeme_norm", pairs{7, 7}}),
		"cut short":           pack(pairs{"lexeme_norm", pairs{7, "seven"}})[:16],
	} {
		if got, err := readLexemeNorms(broken); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

// FuzzReadTokenizerFile checks that a broken file is an error and not a panic.
func FuzzReadTokenizerFile(f *testing.F) {
	f.Add(pack(pairs{"prefix_search", "p", "exceptions", pairs{"ab", []any{pairs{65, "a"}, pairs{65, "b", 67, "c"}}}}))
	f.Add(pack(pairs{"lexeme_norm", pairs{7, "seven"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if file, err := readTokenizerFile(b); (file == nil) != (err != nil) {
			t.Errorf("file %v and error %v: want one of them", file, err)
		}
		readLexemeNorms(b)
	})
}
