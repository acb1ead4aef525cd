package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// normOf returns the function with which a language makes the norm of a text that is in no
// table of norms. nil means that the norm is the text in lower case.
func normOf(lang string) func(string) string {
	if lang == "hi" {
		return hindiNorm
	}
	return nil
}

// hindiEndings has the endings of Hindi words that are not in the norm: the list of
// A. Ramanathan and D. Rao, A Lightweight Stemmer for Hindi (2003), as spaCy has it in
// lang/hi/lex_attrs.py.
var hindiEndings = func() map[string]bool {
	const list = `
		ो े ू ु ी ि ा
		कर ाओ िए ाई ाए ने नी ना ते ीं ती ता ाँ ां ों ें
		ाकर ाइए ाईं ाया ेगी ेगा ोगी ोगे ाने ाना ाते ाती ाता तीं ाओं ाएं ुओं ुएं ुआं
		ाएगी ाएगा ाओगी ाओगे एंगी ेंगी एंगे ेंगे ूंगी ूंगा ातीं नाओं नाएं ताओं ताएं ियाँ ियों ियां
		ाएंगी ाएंगे ाऊंगी ाऊंगा ाइयाँ ाइयों ाइयां`
	endings := map[string]bool{}
	for e := range strings.FieldsSeq(list) {
		endings[e] = true
	}
	return endings
}()

// hindiNorm returns s without its longest ending. Something of s must be left.
func hindiNorm(s string) string {
	const longest = 5 // code points
	var cut [longest]int
	at := len(s)
	n := 0
	for ; n < longest && at > 0; n++ {
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
		cut[n] = at
	}
	for n--; n >= 0; n-- {
		if cut[n] > 0 && hindiEndings[s[cut[n]:]] {
			return s[:cut[n]]
		}
	}
	return s
}
