package spacy

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkRuler measures one call of Entities of en_core_web_sm with an entity_ruler of so
// many phrases after the recognizer, and how long opening the pipeline takes. 0 is the
// pipeline without a ruler.
//
//	go test -run - -bench Ruler ./ner/spacy/
func BenchmarkRuler(b *testing.B) {
	text, err := os.ReadFile("../../scripts/paragraph.txt")
	if err != nil {
		b.Fatal(err)
	}
	for _, phrases := range []int{0, 10, 10_000, 100_000} {
		files := withPhrases(b, phrases)
		open := func(b *testing.B) *Pipeline {
			p, err := OpenFiles(files, Options{})
			if err != nil {
				b.Fatal(err)
			}
			return p
		}
		b.Run(fmt.Sprintf("entities/%d", phrases), func(b *testing.B) {
			p := open(b)
			best := 1e9
			for b.Loop() {
				before := b.Elapsed()
				if _, err := p.Entities(b.Context(), string(text)); err != nil {
					b.Fatal(err)
				}
				best = min(best, (b.Elapsed() - before).Seconds())
			}
			b.ReportMetric(best*1e3, "best-ms")
		})
		b.Run(fmt.Sprintf("open/%d", phrases), func(b *testing.B) {
			for b.Loop() {
				open(b)
			}
		})
	}
}

// BenchmarkRulesAbout measures one call of Entities of en_core_web_sm with one rule that looks
// at what other components find.
//
//	go test -run - -bench RulesAbout ./ner/spacy/
func BenchmarkRulesAbout(b *testing.B) {
	text, err := os.ReadFile("../../scripts/paragraph.txt")
	if err != nil {
		b.Fatal(err)
	}
	for _, pattern := range []string{`"LOWER":"x"`, `"TAG":"x"`, `"POS":"X"`, `"LEMMA":"x"`, `"DEP":"x"`, `"SENT_START":true`} {
		b.Run(strings.Split(pattern, `"`)[1], func(b *testing.B) {
			p, err := OpenFiles(withRules(b, `{"label":"X","pattern":[{`+pattern+`},{"LOWER":"y"}]}`), Options{})
			if err != nil {
				b.Fatal(err)
			}
			best := 1e9
			for b.Loop() {
				before := b.Elapsed()
				if _, err := p.Entities(b.Context(), string(text)); err != nil {
					b.Fatal(err)
				}
				best = min(best, (b.Elapsed() - before).Seconds())
			}
			b.ReportMetric(best*1e3, "best-ms")
		})
	}
}

// withPhrases returns a function that reads the files of en_core_web_sm, and of a ruler with
// n different phrases of one to three words.
func withPhrases(t testing.TB, n int) func(name string) ([]byte, error) {
	var rules strings.Builder
	for i := range n {
		fmt.Fprintf(&rules, `{"label":"X","pattern":"name%d%.*s","id":"%d"}`+"\n", i, i%3*11, " of Example Street", i)
	}
	return withRules(t, rules.String())
}

// withRules returns a function that reads the files of en_core_web_sm, and of a ruler with
// rules, if there are any.
func withRules(t testing.TB, rules string) func(name string) ([]byte, error) {
	files := map[string][]byte{"config.cfg": readModelFile(t, "config.cfg")}
	if rules != "" {
		config := strings.Replace(string(files["config.cfg"]), `"ner"]`, `"ner","ruler"]`, 1)
		files["config.cfg"] = []byte(config + "\n[components.ruler]\nfactory = \"entity_ruler\"\n")
		files["ruler.jsonl"] = []byte(rules)
	}
	return func(name string) ([]byte, error) {
		if b, ok := files[name]; ok {
			return b, nil
		}
		if name == "ruler.jsonl" {
			return nil, fs.ErrNotExist
		}
		return os.ReadFile(filepath.Join(modelDir(t), filepath.FromSlash(name)))
	}
}
