package spacy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/ner/spacy/matcher"
)

// The files of a pipeline have most of what depends on its language: the patterns and the
// special cases of the tokenizer, and a table of norms. The rest is in the class of the
// language in spaCy (spacy/lang): tokenizers that do not work by rules, and functions for
// the attributes of words (lex_attr_getters). Stop words change no entity.
//
// These are the languages of spaCy 3.6 to 3.8. scripts/parity/languages.sh compares the
// lists with the classes of spaCy.
var (
	// plainLanguages have the functions that spaCy has for every language.
	plainLanguages = strings.Fields("af bn de et fo ga gd gu hr hu is it ja kn lij lv mr nb nn sq xx")

	// numberLanguages have a function for LIKE_NUM, because they have words for numbers.
	// Only rules read LIKE_NUM. Package tokenizer has the functions for NORM of hi, ht and ne.
	numberLanguages = strings.Fields(`
		am ar az bg bo ca cs da dsb el en es eu fa fi fr grc he hi hsb ht hy kmr ko ky la lb lg
		lt mk ml ne nl pl pt ro ru sa si sk sr sv ta te th ti tl tn tr tt uk ur vi yo zh`)

	// currencyLanguages have functions for LIKE_NUM and IS_CURRENCY.
	currencyLanguages = strings.Fields("id ms sl")
)

// cutters has the languages whose tokenizers do not work by rules: the name of the tokenizer
// in config.cfg, and the program that cuts the words.
var cutters = map[string]struct{ tokenizer, program string }{
	"ja": {"spacy.ja.JapaneseTokenizer", "SudachiPy"},
	"ko": {"spacy.ko.KoreanTokenizer", "MeCab and its dictionary mecab-ko-dic"},
	"th": {"spacy.th.ThaiTokenizer", "PyThaiNLP"},
	"vi": {"spacy.vi.VietnameseTokenizer", "Pyvi"},
	"zh": {"spacy.zh.ChineseTokenizer", "jieba or spacy-pkuseg"},
}

// ruleTokenizer is the name in config.cfg of the tokenizer that this package has.
const ruleTokenizer = "spacy.Tokenizer.v1"

// language returns the code of the pipeline's language. It returns an error if the words of
// the language can have other attributes here than in spaCy, or other boundaries.
func (c config) language() (string, error) {
	var lang, tokenizer string
	if _, err := c.get("nlp", "lang", &lang); err != nil {
		return "", err
	}
	ok, err := c.get("nlp.tokenizer", "@tokenizers", &tokenizer)
	if err != nil {
		return "", err
	}
	// A language with a cutter has it by default.
	if cutter, found := cutters[lang]; found && (!ok || tokenizer == cutter.tokenizer) {
		return "", fmt.Errorf("the language %q cuts words with %s, which this package does not have: only pipelines whose [nlp.tokenizer] @tokenizers is %s can be run",
			lang, cutter.program, ruleTokenizer)
	}
	if _, err := c.want("nlp.tokenizer", "@tokenizers", ruleTokenizer); err != nil {
		return "", err
	}
	if slices.Contains(plainLanguages, lang) || slices.Contains(numberLanguages, lang) || slices.Contains(currencyLanguages, lang) {
		return lang, nil
	}
	return "", fmt.Errorf("the pipeline's language is %q, which spaCy 3.8 does not have: can run only its languages, because Python code can give the words of another one other attributes", lang)
}

// setLanguage sets what a matcher must know about a language.
func setLanguage(m *matcher.Language, lang string) {
	switch {
	case lang == "en":
		m.LikeNum = matcher.EnglishLikeNum
	case slices.Contains(plainLanguages, lang):
		m.LikeNum = matcher.LikeNum
	case slices.Contains(currencyLanguages, lang):
		m.Lacks = []string{"LIKE_NUM", "IS_CURRENCY"}
	default:
		m.Lacks = []string{"LIKE_NUM"}
	}
}
