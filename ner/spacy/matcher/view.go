package matcher

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"unicode/utf8"

	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// Language has what depends on the pipeline.
type Language struct {
	Tokenizer *tokenizer.Tokenizer

	// Norms returns the norms of the pipeline by their ids, see tokenizer.NormStrings. A
	// matcher calls it when it gets a pattern that needs them.
	Norms func() (map[uint64]string, error)

	// LikeNum is the attribute LIKE_NUM of the language.
	LikeNum func(s string) bool

	// Lacks has the attributes that depend on words of the language which this package does
	// not have. A pattern with one of them is an error.
	Lacks []string

	// OnlyAnnotations says that no Doc has entities or sentences. A pattern with an attribute
	// such as ENT_TYPE or SENT_START is an error.
	OnlyAnnotations bool
}

// has returns an error if the pipeline, or this package, lacks what an attribute needs.
func (l *Language) has(a attr) error {
	switch {
	case slices.Contains(l.Lacks, a.String()):
		return fmt.Errorf("the attribute %s is not implemented for the language of the pipeline: its words are in spaCy's program, and not in the pipeline; a pattern that has the words itself runs, such as %s", a, instead[a.String()])
	case a == flag("LIKE_URL") && !l.Tokenizer.HasURL():
		return errors.New("the attribute LIKE_URL is not implemented for a tokenizer that has another url_match than spaCy's English")
	}
	return nil
}

// instead has patterns that take the words of an attribute from the rule.
var instead = map[string]string{
	"LIKE_NUM":    `{"LOWER": {"REGEX": "^([0-9][0-9.,/]*|two|three|…)$"}}`,
	"IS_CURRENCY": `{"LOWER": {"IN": ["€", "euro", …]}}`,
}

// view returns the attributes of one token. It computes each of them once.
type view struct {
	doc   *Doc
	lang  *Language
	norms map[uint64]string // nil if no pattern needs them

	i       int // the token
	known   [numAttrs]bool
	values  [numAttrs]uint64
	hasText [numAttrs]bool
	texts   [numAttrs]string
}

// move makes v a view of token i.
func (v *view) move(i int) {
	v.i = i
	clear(v.known[:])
	clear(v.hasText[:])
}

// text returns the text of the token.
func (v *view) text() string {
	t := &v.doc.Tokens[v.i]
	return v.doc.Text[t.Start:t.End]
}

// value returns the attribute as spaCy's number: the id of a string, a length, or 0 or 1.
func (v *view) value(a attr) uint64 {
	if !v.known[a] {
		v.known[a], v.values[a] = true, v.compute(a)
	}
	return v.values[a]
}

func (v *view) compute(a attr) uint64 {
	t := &v.doc.Tokens[v.i]
	switch a {
	case attrNone:
		return 0
	case attrOrth:
		return t.Orth
	case attrLower:
		return tokenizer.LowerID(v.text())
	case attrNorm:
		return t.Norm
	case attrShape:
		return t.Shape
	case attrPrefix:
		return t.Prefix
	case attrSuffix:
		return t.Suffix
	case attrLength:
		return uint64(t.RuneEnd - t.RuneStart)
	case attrSpacy:
		return number(t.Space)
	case attrEntIOB:
		return v.entIOB()
	case attrSentStart:
		return number(v.doc.SentStarts[v.i])
	case attrEntType, attrEntID, attrTag, attrPos, attrMorph, attrLemma, attrDep:
		return tokenizer.StringID(v.str(a))
	}
	return number(lexFlags[a-firstFlag].is(v.text(), v.lang))
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// str returns the string of an attribute for which isString is true.
func (v *view) str(a attr) string {
	if !v.hasText[a] {
		v.hasText[a], v.texts[a] = true, v.computeStr(a)
	}
	return v.texts[a]
}

func (v *view) computeStr(a attr) string {
	s := v.text()
	switch a {
	case attrLower:
		return tokenizer.Lower(s)
	case attrNorm:
		if norm, ok := v.norms[v.doc.Tokens[v.i].Norm]; ok {
			return norm
		}
		return v.lang.Tokenizer.NormString(s)
	case attrShape:
		return tokenizer.Shape(s)
	case attrPrefix:
		_, size := utf8.DecodeRuneInString(s)
		return s[:size]
	case attrSuffix:
		at := len(s)
		for n := 0; n < 3 && at > 0; n++ {
			_, size := utf8.DecodeLastRuneInString(s[:at])
			at -= size
		}
		return s[at:]
	case attrEntType:
		if e := v.ent(); e != nil {
			return e.Label
		}
		return ""
	case attrEntID:
		if v.doc.IDs == nil {
			return ""
		}
		return v.doc.IDs[v.i]
	case attrTag, attrPos, attrMorph, attrLemma, attrDep:
		return annotationOf(&v.doc.Annotations[v.i], a)
	}
	return s
}

// ent returns the entity that the token belongs to, or nil.
func (v *view) ent() *Ent {
	ents := v.doc.Ents
	i := sort.Search(len(ents), func(i int) bool { return ents[i].End > v.i })
	if i == len(ents) || ents[i].Start > v.i {
		return nil
	}
	return &ents[i]
}

// entIOBs has spaCy's values of ENT_IOB in the order of their numbers.
var entIOBs = []string{"", "I", "O", "B"}

func (v *view) entIOB() uint64 {
	code := "I"
	switch e := v.ent(); {
	case e == nil && !v.doc.NoEnts:
		code = "O"
	case e == nil:
		code = ""
	case e.Start == v.i:
		code = "B"
	}
	return uint64(slices.Index(entIOBs, code))
}
