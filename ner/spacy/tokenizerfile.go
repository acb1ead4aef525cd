package spacy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// tokenizerFile is what the file "tokenizer" of a pipeline says. It is a
// MessagePack map; an absent pattern is "".
type tokenizerFile struct {
	prefix, suffix, infix, url string
	tokenMatch                 string
	specials                   map[string][]ruleToken // "don't" → do, n't
	// fasterHeuristics limits which special cases are looked for across the
	// borders of tokens to those that affixes could break.
	fasterHeuristics bool
}

// ruleToken is a token of a special case. An empty norm means that the rule has
// none, and the token's is found as any other's.
type ruleToken struct{ orth, norm string }

// The attributes of a special case's tokens are stored by number.
const (
	attrOrth = 65
	attrNorm = 67
)

// readTokenizerFile decodes the file "tokenizer".
func readTokenizerFile(b []byte) (*tokenizerFile, error) {
	f := &tokenizerFile{fasterHeuristics: true}
	c := &cursor{b: b}
	for range c.mapLen() {
		key := c.str()
		switch key {
		case "prefix_search":
			f.prefix = c.optionalStr()
		case "suffix_search":
			f.suffix = c.optionalStr()
		case "infix_finditer":
			f.infix = c.optionalStr()
		case "url_match":
			f.url = c.optionalStr()
		case "token_match":
			f.tokenMatch = c.optionalStr()
		case "faster_heuristics":
			f.fasterHeuristics = c.bool()
		case "exceptions":
			f.specials = readSpecials(c)
		default:
			c.value()
		}
		if c.err != nil {
			return nil, fmt.Errorf("%.40q: %w", key, c.err)
		}
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	return f, nil
}

// readSpecials reads the map of special cases and holds it to what spaCy
// demands of them (Tokenizer._validate_special_case): the tokens of a rule are
// the text it is for, cut up.
func readSpecials(c *cursor) map[string][]ruleToken {
	specials := make(map[string][]ruleToken)
	for range c.mapLen() {
		text := c.str()
		var tokens []ruleToken
		left, ok := text, true
		for range c.arrayLen() {
			t := readRuleToken(c)
			tokens = append(tokens, t)
			left, ok = strings.CutPrefix(left, t.orth)
			if !ok || t.orth == "" || c.err != nil {
				c.fail("special case %.40q: its token %.40q is not what comes next in it", text, t.orth)
				return nil
			}
		}
		if left != "" || text == "" {
			c.fail("special case %.40q: its tokens leave %.40q out", text, left)
		}
		if c.err != nil {
			return nil
		}
		specials[text] = tokens
	}
	return specials
}

// readRuleToken reads one token of a special case.
func readRuleToken(c *cursor) (t ruleToken) {
	for range c.mapLen() {
		switch attr := readAttr(c); attr {
		case attrOrth:
			t.orth = c.str()
		case attrNorm:
			t.norm = c.str()
		default:
			c.fail("a special case sets attribute %d, and only ORTH (65) and NORM (67) can be set", attr)
		}
		if c.err != nil {
			break
		}
	}
	return t
}

// readAttr reads an attribute, a number or, from a tokenizer that other code
// wrote, its name: the attributes' names are symbols.
func readAttr(c *cursor) uint64 {
	if msgp.NextType(c.b) == msgp.StrType {
		return stringID(c.str())
	}
	return c.uint()
}

// readLexemeNorms reads the table lexeme_norm of vocab/lookups.bin, and returns
// it as id of a token's text → id of its norm. A pipeline without such a table,
// or without the file (b is empty), has no such norms, as in spaCy.
func readLexemeNorms(b []byte) (map[uint64]uint64, error) {
	norms := make(map[uint64]uint64)
	if len(b) == 0 {
		return norms, nil
	}
	c := &cursor{b: b}
	for range c.mapLen() {
		if table := c.str(); table != "lexeme_norm" {
			c.value()
			continue
		}
		for range c.mapLen() {
			text, norm := c.uint(), c.str()
			if c.err != nil {
				return nil, fmt.Errorf("lexeme_norm: %w", c.err)
			}
			norms[text] = stringID(norm)
		}
	}
	return norms, c.end()
}

// str reads a string, which must be valid UTF-8.
func (c *cursor) str() string {
	s := string(c.text())
	if !utf8.ValidString(s) {
		c.fail("%.40q is not valid UTF-8", s)
	}
	return s
}

// optionalStr reads a string or nil, which is "".
func (c *cursor) optionalStr() string {
	if c.null() {
		return ""
	}
	return c.str()
}
