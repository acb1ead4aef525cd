package tokenizer

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// normOf returns the function with which a language makes the norm of a text that is in no
// table of norms. nil means that the norm is the text in lower case.
func normOf(lang string) func(string) string {
	switch lang {
	case "hi":
		return hindiNorm
	case "ht":
		return haitianNorm
	case "ne":
		return nepaliNorm
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

// haitianPronouns and haitianParticles have the words of Haitian Creole that have a short form of
// one letter (A. Valdman, Haitian Creole: Structure, Variation, Status, Origin, 2015). The
// tokenizer can also cut off a pronoun as an apostrophe and the letter. These are the forms
// that spaCy knows in lang/ht/lex_attrs.py.
var (
	haitianPronouns  = map[string]string{"l": "li", "m": "mwen", "n": "nou", "w": "ou", "y": "yo"}
	haitianParticles = map[string]string{"k": "ki", "p": "pa", "t": "te"}
)

// haitianNorm returns the whole word of a short form. Other texts have the norm that texts
// of most languages have.
func haitianNorm(s string) string {
	for _, apostrophe := range []string{"'", "’"} {
		if letter, ok := strings.CutPrefix(s, apostrophe); ok && haitianPronouns[letter] != "" {
			return haitianPronouns[letter]
		}
	}
	lower := Lower(s)
	word := cmp.Or(haitianPronouns[lower], haitianParticles[lower])
	switch {
	case word == "":
		return lower
	case s != lower:
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word
}

// nepaliEndings has the endings of Nepali words that are not in the norm: the case markers
// and the endings of verbs of B. K. Bal, Structure of Nepali Grammar (2004), as spaCy has them
// in lang/ne/lex_attrs.py. spaCy searches one line after the other. It takes off as many code
// points as the first ending of a line has, whichever ending of the line it finds.
var nepaliEndings = func() (lines [][]string) {
	const list = `
		ने ेको ेकी ेका ेर दै तै िकन उ न नन्
		याइ ाइ बार वार चाँहि
		अ ओ ऊ अरी साथ वित्तिकै पूर्वक
		हुन्न न्न न्न्स् न्नौं न्नौ न्न्न् िई
		दै दिन दिँन दैनस् दैन दैनौँ दैनौं दैनन्
		छु छौँ छस् छौ छ छन् छेस् छे छ्यौ छिन् हुन्छ
		एँ इँन् इस् इनस् यो एन यौं एनौं ए एनन्
		इलो िलो नु ाउनु ई इन इन् इनन्
		हरूलाई हरूले हरूबाट हरूको हरूमा
		लाई ले बाट को मा हरू
		ँ ं ् ः
		ा ि ी ु ू ृ े ै ो ौ`
	for line := range strings.Lines(strings.TrimSpace(list)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}()

// nepaliNorm returns s without its ending. A word that is not longer than what a line takes
// off keeps its ending, also if a later line has it.
func nepaliNorm(s string) string {
	runes := utf8.RuneCountInString(s)
	for _, endings := range nepaliEndings {
		cut := utf8.RuneCountInString(endings[0])
		if runes <= cut {
			break
		}
		for _, ending := range endings {
			if strings.HasSuffix(s, ending) {
				return s[:len(s)-lastRunes(s, cut)]
			}
		}
	}
	return s
}
