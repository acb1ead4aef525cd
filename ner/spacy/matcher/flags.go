package matcher

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// lexFlag is an attribute that is true or false, and depends only on a token's text. is
// gets a text that is not empty. It is the Python function of the same name in spaCy's
// lang/lex_attrs.py, or in lang/en/lex_attrs.py for English.
type lexFlag struct {
	name string
	is   func(s string, lang *Language) bool
}

var lexFlags = [...]lexFlag{
	{"IS_ALPHA", each(unicode.IsLetter)},
	{"IS_ASCII", each(func(r rune) bool { return r < utf8.RuneSelf })},
	{"IS_DIGIT", each(tokenizer.IsDigit)},
	{"IS_LOWER", plain(isLower)},
	{"IS_UPPER", plain(isUpper)},
	{"IS_TITLE", plain(isTitle)},
	{"IS_PUNCT", each(unicode.IsPunct)},
	{"IS_SPACE", each(tokenizer.IsSpace)},
	{"IS_BRACKET", oneOf("( ) [ ] { } < >")},
	{"IS_QUOTE", oneOf("\" ' ` « » ‘ ’ ‚ ‛ “ ” „ ‟ ‹ › ❮ ❯ '' ``")},
	{"IS_LEFT_PUNCT", oneOf("( [ { < \" ' « ‘ ‚ ‛ “ „ ‟ ‹ ❮ ``")},
	{"IS_RIGHT_PUNCT", oneOf(") ] } > \" ' » ’ ” › ❯ ''")},
	{"IS_CURRENCY", each(func(r rune) bool { return unicode.Is(unicode.Sc, r) })},
	{"LIKE_NUM", func(s string, lang *Language) bool { return lang.LikeNum(s) }},
	{"LIKE_URL", likeURL},
	{"LIKE_EMAIL", plain(email.MatchString)},
}

// flag returns the attribute with that name.
func flag(name string) attr {
	for i, f := range lexFlags {
		if f.name == name {
			return firstFlag + attr(i)
		}
	}
	panic("no flag " + name)
}

func plain(is func(string) bool) func(string, *Language) bool {
	return func(s string, _ *Language) bool { return is(s) }
}

// each returns a function that reports whether is is true for every rune.
func each(is func(rune) bool) func(string, *Language) bool {
	return plain(func(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0 })
}

// oneOf returns a function that reports whether a text is one of the words.
func oneOf(words string) func(string, *Language) bool {
	set := wordSet(words)
	return plain(func(s string) bool { return set[s] })
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// caseOf returns whether r is an upper case letter, a lower case letter or a title case
// letter, as Python's methods of str tell them apart.
func caseOf(r rune) (upper, lower, title bool) {
	return unicode.In(r, unicode.Lu, unicode.Other_Uppercase),
		unicode.In(r, unicode.Ll, unicode.Other_Lowercase),
		unicode.Is(unicode.Lt, r)
}

// isLower is Python's str.islower.
func isLower(s string) bool {
	any := false
	for _, r := range s {
		upper, lower, title := caseOf(r)
		if upper || title {
			return false
		}
		any = any || lower
	}
	return any
}

// isUpper is Python's str.isupper.
func isUpper(s string) bool {
	any := false
	for _, r := range s {
		upper, lower, title := caseOf(r)
		if lower || title {
			return false
		}
		any = any || upper
	}
	return any
}

// isTitle is Python's str.istitle.
func isTitle(s string) bool {
	any, after := false, false // after: the rune before has a case
	for _, r := range s {
		upper, lower, title := caseOf(r)
		switch {
		case upper || title:
			if after {
				return false
			}
		case lower:
			if !after {
				return false
			}
		default:
			after = false
			continue
		}
		any, after = true, true
	}
	return any
}

var email = regexp.MustCompile(`^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+`)

// isDigits is Python's str.isdigit.
func isDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !tokenizer.IsDigit(r) }) < 0
}

// LikeNum is LIKE_NUM of the languages that have no words for numbers in spaCy: it reports
// whether a token is a number or a fraction in digits.
func LikeNum(s string) bool {
	_, is := inDigits(s)
	return is
}

// EnglishLikeNum is LIKE_NUM of English.
func EnglishLikeNum(s string) bool {
	s, is := inDigits(s)
	if is {
		return true
	}
	s = tokenizer.Lower(s)
	if numWords[s] {
		return true
	}
	for _, end := range []string{"st", "nd", "rd", "th"} {
		if stem, ok := strings.CutSuffix(s, end); ok {
			return isDigits(stem)
		}
	}
	return false
}

// inDigits reports whether s is a number or a fraction in digits. It returns s without its
// sign, commas and points.
func inDigits(s string) (rest string, is bool) {
	for _, sign := range []string{"+", "-", "±", "~"} {
		if rest, ok := strings.CutPrefix(s, sign); ok {
			s = rest
			break
		}
	}
	s = strings.NewReplacer(",", "", ".", "").Replace(s)
	num, denom, isFraction := strings.Cut(s, "/")
	return s, isDigits(s) || isFraction && isDigits(num) && isDigits(denom)
}

// likeURL reports whether a token is like a URL.
func likeURL(s string, lang *Language) bool {
	switch {
	case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"),
		strings.HasPrefix(s, "www.") && utf8.RuneCountInString(s) >= 5:
		return true
	case s[0] == '.', s[len(s)-1] == '.', strings.Contains(s, "@"), !strings.Contains(s, "."):
		return false
	}
	tld, _, _ := strings.Cut(s[strings.LastIndexByte(s, '.')+1:], ":")
	return strings.HasSuffix(tld, "/") || topLevel[tld] || lang.Tokenizer.IsURL(s)
}
