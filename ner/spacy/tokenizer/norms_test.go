package tokenizer

import "testing"

func TestHindiNorm(t *testing.T) {
	for text, want := range map[string]string{
		"लड़कियाँ": "लड़क",
		"जाऊंगा":   "ज",
		"चलना":     "चल",
		"घर":       "घर",
		"ना":       "न", // one code point is left: the ending of two is the whole word
		"ा":        "ा",
		"Delhi":    "Delhi", // not in lower case
		"":         "",
	} {
		if got := hindiNorm(text); got != want {
			t.Errorf("the norm of %q is %q, want %q", text, got, want)
		}
	}
}

func TestHaitianNorm(t *testing.T) {
	for text, want := range map[string]string{
		"'m":    "mwen",
		"'w":    "ou",
		"’y":    "yo",
		"'M":    "'m", // a short form is in lower case
		"'mw":   "'mw",
		"’t":    "’t", // only pronouns are cut off with an apostrophe
		"m":     "mwen",
		"M":     "Mwen",
		"t":     "te",
		"K":     "Ki",
		"x":     "x",
		"Ayiti": "ayiti",
		"'":     "'",
		"":      "",
	} {
		if got := haitianNorm(text); got != want {
			t.Errorf("the norm of %q is %q, want %q", text, got, want)
		}
	}
}

func TestNepaliNorm(t *testing.T) {
	for text, want := range map[string]string{
		"गरेर":         "गर",
		"भएन":          "भ",         // as many code points as ने has, not one as न
		"नेपालको":      "नेपा",      // three code points, as लाई has
		"रामको":        "रामको",     // not longer than हुन्न, whose line is before that of को
		"नेपालीहरूलाई": "नेपालीहरू", // the line of ई is before that of हरूलाई
		"मानिसहरूको":   "मानि",      // six code points, as हरूलाई has
		"नदी":          "नदी",
		"न":            "न",
		"Kathmandu":    "Kathmandu", // not in lower case
		"":             "",
	} {
		if got := nepaliNorm(text); got != want {
			t.Errorf("the norm of %q is %q, want %q", text, got, want)
		}
	}
}

// TestNormOfLanguage has tokens of several code points and of one, with a norm in the table,
// and with one of the language.
func TestNormOfLanguage(t *testing.T) {
	for lang, want := range map[string][]string{
		"hi": {"लड़क", "A", "ab", "-"},
		"en": {"लड़कियाँ", "a", "ab", "-"},
	} {
		l := newLexicon(nil)
		l.norm = normOf(lang)
		l.finish()
		var b lexBuffers
		for i, text := range []string{"लड़कियाँ", "A", "ab", "—"} {
			var tok Token
			l.lookup(&tok, text, &b)
			if tok.Norm != stringID(want[i]) {
				t.Errorf("%s: the norm of %q is not %q", lang, text, want[i])
			}
		}
	}
}
