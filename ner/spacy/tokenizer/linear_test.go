package tokenizer

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// hostile has units of texts for which earlier versions of the tokenizer took long.
var hostile = [...]string{"#", "$", "7%", "7% ", `"`, "'", "''", "“", "”", "‘", "’", ".,", "a-", "——'", "烬–", "😀", "😀 ", "₿", "」]", "é\u3000", "Слово ",
	"'a ", ":(:)", "(a) ", "a.", "a@b.", "(", ")", "a)", "(a", "1km", "U.S.", "x'S", "Σ'", " ", "\n"}

// TestAffixesAreLinear counts the bytes in which the tokenizer looks for affixes and
// special cases. Their number per byte must not be larger for a long chunk than for a
// short one. It once was: with a special case of more than 63 bytes, the tokenizer
// searched the whole rest of a chunk for each affix.
func TestAffixesAreLinear(t *testing.T) {
	f, err := readTokenizerFile(readModelFile(t, "tokenizer"))
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range hostile {
		if trimmed := strings.TrimSpace(unit); trimmed != "" {
			long := strings.Repeat(trimmed, 70/len(trimmed)) + "!"
			f.specials[long] = []ruleToken{{orth: long}}
		}
	}
	tk := mustBuild(t, f)
	for _, unit := range hostile {
		const size = 20_000
		c := &cutter{tk: tk, special: true}
		_ = c.cut(context.Background(), strings.Repeat(unit, size/len(unit)))
		if c.looked > 30*size {
			t.Errorf("in %d bytes of %q affixes and special cases were looked for in %d bytes", size, unit, c.looked)
		}
	}
}

// TestTokenizeTakesLittleMemory checks that for a long text the memory that is allocated
// beyond its tokens is small compared with the tokens.
func TestTokenizeTakesLittleMemory(t *testing.T) {
	tk := testTokenizer(t)
	for _, unit := range hostile {
		text := strings.Repeat(unit, 400_000/len(unit))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tokens := tk.Tokenize(text, nil)
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		size := uint64(len(tokens)) * uint64(unsafe.Sizeof(Token{}))
		if limit := 2*size + 10*uint64(len(text)) + 1<<16; allocated > limit {
			t.Errorf("%d bytes of %q: %d bytes allocated for %d of tokens, want at most %d", len(text), unit, allocated, size, limit)
		}
	}
}
