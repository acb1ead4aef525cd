package tokenizer

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/narwhal-server/narwhal/internal/pyregexp"
)

// compiled has the patterns of a pipeline whose patterns are not spaCy's for English. They
// run as regular expressions.
type compiled struct {
	set                               *pyregexp.Set
	prefix, suffix, infix, url, token int  // the numbers of the patterns in set, or none
	hasURL                            bool // see Tokenizer.HasURL
	steps                             int  // MaxSteps, or less in tests
}

const none = -1

// MaxSteps is how many steps the regular expressions of a pipeline may need for a text. A
// step is about a code point that one of them sees. spaCy's own patterns need fewer than 20
// for each code point of a text.
const MaxSteps = 200_000_000

// ErrTooMuch is the error for a text for which the patterns need more than MaxSteps steps.
var ErrTooMuch = fmt.Errorf("the patterns of the tokenizer need more than %d steps for this text: make them narrower, or split the text", MaxSteps)

// compile compiles the patterns of the file.
func compile(f *tokenizerFile) (*compiled, error) {
	p := &compiled{hasURL: f.url.is(englishURL), steps: MaxSteps}
	var names, texts []string
	for _, x := range []struct {
		name string
		pattern
		number *int
	}{
		{"prefix_search", f.prefix, &p.prefix},
		{"suffix_search", f.suffix, &p.suffix},
		{"infix_finditer", f.infix, &p.infix},
		{"url_match", f.url, &p.url},
		{"token_match", f.tokenMatch, &p.token},
	} {
		*x.number = none
		if x.set {
			*x.number = len(texts)
			names, texts = append(names, x.name), append(texts, x.text)
		}
	}
	var err error
	if p.set, err = pyregexp.CompileSet(texts...); err != nil {
		name := "the patterns"
		if one := (*pyregexp.Error)(nil); errors.As(err, &one) {
			name = names[one.Index]
		}
		return nil, fmt.Errorf("the regular expression %s cannot be run: %w", name, err)
	}
	return p, nil
}

// prefixLen is find_prefix of spaCy's Tokenizer for x[lo:hi], the text of t. It returns the
// number of bytes to cut off the front. spaCy cuts off as many code points as the match
// has, wherever the match is.
func (p *compiled) prefixLen(t *pyregexp.Text, x string, lo, hi int) int {
	start, end := p.find(p.prefix, t, lo, hi)
	if start == lo {
		return end - start
	}
	size := 0
	for range utf8.RuneCountInString(x[start:end]) {
		_, n := firstOf(x[lo+size:])
		size += n
	}
	return size
}

// suffixLen is find_suffix. It returns the number of bytes to cut off the end.
func (p *compiled) suffixLen(t *pyregexp.Text, x string, lo, hi int) int {
	start, end := p.find(p.suffix, t, lo, hi)
	if end == hi {
		return end - start
	}
	return lastRunes(x[lo:hi], utf8.RuneCountInString(x[start:end]))
}

// find returns the first match of a pattern, or an empty one.
func (p *compiled) find(number int, t *pyregexp.Text, lo, hi int) (start, end int) {
	if number == none {
		return lo, lo
	}
	start, end, ok := p.set.Find(t, number, lo, hi)
	if !ok {
		return lo, lo
	}
	return start, end
}

// matches is token_match and url_match.
func (p *compiled) matches(number int, t *pyregexp.Text, lo, hi int) bool {
	return number != none && p.set.Match(t, number, lo, hi)
}

// infixes is find_infix. It appends the starts and ends of the matches to dst.
func (p *compiled) infixes(t *pyregexp.Text, lo, hi int, dst []pyregexp.Match) []pyregexp.Match {
	if p.infix == none {
		return dst
	}
	return p.set.FindAll(t, p.infix, lo, hi, dst)
}

// breaks reports whether affixes or infixes could cut the special case x.
func (p *compiled) breaks(t *pyregexp.Text, x string) bool {
	t.Reset(x)
	return p.prefixLen(t, x, 0, len(x)) > 0 || len(p.infixes(t, 0, len(x), nil)) > 0 || p.suffixLen(t, x, 0, len(x)) > 0
}

// compiledChunk does what chunk does, with compiled patterns.
func (c *cutter) compiledChunk(x string, isSpace bool) {
	p, t := c.tk.compiled, c.text
	t.Reset(x)
	lo, hi := 0, len(x)
	c.suffixes = c.suffixes[:0]
	var rule *rule
	whole := false
	for size := -1; lo < hi && hi-lo != size && t.Err() == nil && c.goesOn(); {
		if whole = p.matches(p.token, t, lo, hi); whole {
			break
		}
		if rule = c.rule(x[lo:hi]); rule != nil {
			break
		}
		size = hi - lo
		prefix := p.prefixLen(t, x, lo, hi)
		if prefix > 0 {
			if rule = c.rule(x[lo+prefix : hi]); rule != nil {
				c.emit(x[lo:lo+prefix], isSpace)
				lo += prefix
				break
			}
		}
		// Search behind the prefix, so that lookbehinds do not see it.
		suffix := p.suffixLen(t, x, lo+prefix, hi)
		if suffix > 0 {
			c.suffixes = append(c.suffixes, int32(suffix))
			hi -= suffix
			if rule = c.rule(x[lo:hi]); rule != nil {
				break
			}
		}
		if prefix > 0 {
			c.emit(x[lo:lo+prefix], isSpace)
			lo += prefix
		}
	}
	if lo < hi && rule == nil {
		rule = c.rule(x[lo:hi])
	}
	switch {
	case lo == hi:
	case rule != nil:
		c.emitRule(rule)
	case whole || p.matches(p.url, t, lo, hi):
		c.emit(x[lo:hi], isSpace)
	default:
		c.compiledInfixes(x, lo, hi, isSpace)
	}
	for i := len(c.suffixes) - 1; i >= 0 && c.goesOn(); i-- {
		n := int(c.suffixes[i])
		c.emit(x[hi:hi+n], isSpace)
		hi += n
	}
}

// compiledInfixes cuts x[lo:hi] at its infixes. Empty infixes cut, too, but are no tokens.
func (c *cutter) compiledInfixes(x string, lo, hi int, isSpace bool) {
	c.found = c.tk.compiled.infixes(c.text, lo, hi, c.found[:0])
	start := lo
	for _, m := range c.found {
		if !c.goesOn() {
			return
		}
		if m.Start == lo {
			continue
		}
		if m.Start > start {
			c.emit(x[start:m.Start], isSpace)
		}
		if m.End > m.Start {
			c.emit(x[m.Start:m.End], isSpace)
		}
		start = m.End
	}
	if start < hi {
		c.emit(x[start:hi], isSpace)
	}
}

// allow lets the regular expressions need their steps from now on.
func (c *cutter) allow() {
	if c.text != nil {
		c.text.Allow(c.tk.compiled.steps)
	}
}
