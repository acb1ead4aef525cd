package spacy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/doctable"
)

// editLanguage changes the language of a pipeline, and its tokenizer if that is not "".
func editLanguage(t *testing.T, files map[string][]byte, lang, tokenizer string) {
	t.Helper()
	edit(t, files, "config.cfg", `lang = "en"`, fmt.Sprintf("lang = %q", lang))
	if tokenizer != "" {
		files["config.cfg"] = append(files["config.cfg"], fmt.Sprintf("\n[nlp.tokenizer]\n@tokenizers = %q\n", tokenizer)...)
	}
}

// TestTableOfLanguages opens a pipeline of each language, without rules and with rules about
// attributes that depend on the language, and compares the table in docs/engine.md with what happens. With -update it writes
// the table.
func TestTableOfLanguages(t *testing.T) {
	says := func(lang, tokenizer, pattern string) string {
		files := small.files(t, 1)
		editLanguage(t, files, lang, tokenizer)
		if pattern != "" {
			addComponent(t, files, "ruler", "entity_ruler", "")
			files["ruler.jsonl"] = []byte(`{"label":"A","pattern":` + pattern + `}`)
		}
		p, err := openFiles(files, Options{})
		if err != nil {
			return "refuses it: " + strings.TrimPrefix(err.Error(), "open pipeline: ")
		}
		if _, err := p.Entities(t.Context(), "Tim Cook isn't in Paris 2."); err != nil {
			t.Errorf("%s: %v", lang, err)
		}
		return "runs"
	}
	groups := map[string][]string{} // by what narwhal says
	add := func(who, lang, tokenizer string) {
		what := says(lang, tokenizer, "")
		if what == "runs" {
			var lacks []string
			var why string
			for _, attr := range []string{"IS_CURRENCY", "LIKE_NUM"} {
				if rule := says(lang, tokenizer, `[{"`+attr+`":true}]`); rule != "runs" {
					lacks, why = append(lacks, "`"+attr+"`"), strings.TrimPrefix(rule, "refuses it: ")
				}
			}
			if lacks != nil {
				what = "runs, but refuses a rule with " + strings.Join(lacks, " or ") + ": " + why
			}
		}
		what = strings.NewReplacer(fmt.Sprintf("the language %q", lang), "the language …", "|", `\|`).Replace(what)
		groups[what] = append(groups[what], who)
	}
	for _, lang := range slices.Sorted(slices.Values(slices.Concat(plainLanguages, numberLanguages, currencyLanguages))) {
		add("`"+lang+"`", lang, "")
		if _, ok := cutters[lang]; ok {
			add("`"+lang+"` with `"+ruleTokenizer+"`", lang, ruleTokenizer)
		}
	}
	add("any other code", "qqq", "")
	var b strings.Builder
	b.WriteString("| `lang` | narwhal |\n| --- | --- |\n")
	for _, what := range slices.SortedFunc(maps.Keys(groups), func(a, b string) int { // the largest group first
		return cmp.Or(len(groups[b])-len(groups[a]), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(groups[what], ", "), what)
	}
	doctable.Check(t, "../../docs/engine.md", "ner/spacy/language.go", b.String(), *update)
}

// Each language is in one list only.
func TestLanguagesOnce(t *testing.T) {
	all := slices.Sorted(slices.Values(slices.Concat(plainLanguages, numberLanguages, currencyLanguages)))
	if once := slices.Compact(slices.Clone(all)); len(once) != len(all) {
		t.Errorf("%d languages, %d different ones", len(all), len(once))
	}
	for lang := range cutters {
		if !slices.Contains(all, lang) {
			t.Errorf("%s is in no list", lang)
		}
	}
}

// A pipeline of another language needs only another lang in its config.cfg: words and
// entities depend on the files.
func TestLanguages(t *testing.T) {
	for _, c := range []struct{ lang, tokenizer, want string }{
		{"fr", "", ""},
		{"ne", "", ""},
		{"xx", "spacy.Tokenizer.v1", ""},
		{"ko", "spacy.Tokenizer.v1", ""},
		{"ja", "", `config.cfg: the language "ja" cuts words with SudachiPy, which this package does not have: only pipelines whose [nlp.tokenizer] @tokenizers is spacy.Tokenizer.v1 can be run`},
		{"ko", "spacy.ko.KoreanTokenizer", `config.cfg: the language "ko" cuts words with MeCab and its dictionary mecab-ko-dic, which`},
		{"th", "spacy.th.ThaiTokenizer", `config.cfg: the language "th" cuts words with PyThaiNLP, which`},
		{"vi", "spacy.vi.VietnameseTokenizer", `config.cfg: the language "vi" cuts words with Pyvi, which`},
		{"zh", "spacy.zh.ChineseTokenizer", `config.cfg: the language "zh" cuts words with jieba or spacy-pkuseg, which`},
		{"xx", "spacy.ja.JapaneseTokenizer", `config.cfg: [nlp.tokenizer] @tokenizers is spacy.ja.JapaneseTokenizer: can run only spacy.Tokenizer.v1`},
		{"tlh", "", `config.cfg: the pipeline's language is "tlh", which spaCy 3.8 does not have`},
	} {
		files := small.files(t, 1)
		editLanguage(t, files, c.lang, c.tokenizer)
		if c.want != "" {
			delete(files, "tokenizer") // the error must not be that it is missing
		}
		_, err := openFiles(files, Options{})
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "open pipeline: "+c.want)):
			t.Errorf("%s with %q: %v, want %s", c.lang, c.tokenizer, err, c.want)
		}
	}
}
