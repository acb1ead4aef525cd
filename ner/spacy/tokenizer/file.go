package tokenizer

import (
	"fmt"
	"strings"

	"github.com/narwhal-server/narwhal/internal/msgpack"
)

// tokenizerFile has the content of a pipeline's file "tokenizer", which is a MessagePack
// map.
type tokenizerFile struct {
	lang string // the language of the pipeline, which is not in the file

	prefix, suffix, infix, url, tokenMatch pattern

	specials map[string][]ruleToken // "don't" → do, n't
	// If fasterHeuristics is true, which is the default, only those special cases
	// are looked for across several tokens that affixes could have cut.
	fasterHeuristics bool
}

// pattern is a regular expression, or none if it is not set. The regular expression "" is
// not the same as none: it matches everywhere.
type pattern struct {
	text string
	set  bool
}

// ruleToken is a token of a special case. If norm is "", the token has the norm that its
// text has elsewhere.
type ruleToken struct{ orth, norm string }

// The numbers of the attributes that tokens of a special case may have.
const (
	attrOrth = 65
	attrNorm = 67
)

// readTokenizerFile decodes the file "tokenizer".
func readTokenizerFile(b []byte) (*tokenizerFile, error) {
	f := &tokenizerFile{fasterHeuristics: true}
	c := msgpack.NewReader(b)
	for range c.Map() {
		key := c.Str()
		switch key {
		case "prefix_search":
			f.prefix = readPattern(c)
		case "suffix_search":
			f.suffix = readPattern(c)
		case "infix_finditer":
			f.infix = readPattern(c)
		case "url_match":
			f.url = readPattern(c)
		case "token_match":
			f.tokenMatch = readPattern(c)
		case "faster_heuristics":
			f.fasterHeuristics = c.Bool()
		case "exceptions":
			f.specials = readSpecials(c)
		default:
			c.Skip()
		}
		if c.Err() != nil {
			return nil, fmt.Errorf("%.40q: %w", key, c.Err())
		}
	}
	if err := c.End(); err != nil {
		return nil, err
	}
	return f, nil
}

// readSpecials reads the map of special cases. Like spaCy
// (Tokenizer._validate_special_case) it fails unless the tokens of each rule, joined,
// are the rule's text.
func readSpecials(c *msgpack.Reader) map[string][]ruleToken {
	specials := make(map[string][]ruleToken)
	for range c.Map() {
		text := c.Str()
		var tokens []ruleToken
		left, ok := text, true
		for range c.Array() {
			t := readRuleToken(c)
			tokens = append(tokens, t)
			left, ok = strings.CutPrefix(left, t.orth)
			if !ok || t.orth == "" || c.Err() != nil {
				c.Fail("special case %.40q: its token %.40q is not what comes next in it", text, t.orth)
				return nil
			}
		}
		if left != "" || text == "" {
			c.Fail("special case %.40q: its tokens leave %.40q out", text, left)
		}
		if c.Err() != nil {
			return nil
		}
		specials[text] = tokens
	}
	return specials
}

// readRuleToken reads one token of a special case.
func readRuleToken(c *msgpack.Reader) (t ruleToken) {
	for range c.Map() {
		switch attr := readAttr(c); attr {
		case attrOrth:
			t.orth = c.Str()
		case attrNorm:
			t.norm = c.Str()
		default:
			c.Fail("a special case sets attribute %d, and only ORTH (65) and NORM (67) can be set", attr)
		}
		if c.Err() != nil {
			break
		}
	}
	return t
}

// readAttr reads the number of an attribute. A tokenizer file that spaCy did not write
// may have the attribute's name instead. The names are symbols, so their ids are the
// numbers.
func readAttr(c *msgpack.Reader) uint64 {
	if c.IsString() {
		return stringID(c.Str())
	}
	return c.Uint()
}

// readLexemeNorms reads the table lexeme_norm of vocab/lookups.bin. The result maps the
// id of a token's text to the id of its norm. It is empty if there is no such table or
// if b is empty.
func readLexemeNorms(b []byte) (map[uint64]uint64, error) {
	norms := make(map[uint64]uint64)
	err := eachLexemeNorm(b, func(text uint64, norm string) { norms[text] = stringID(norm) })
	return norms, err
}

// eachLexemeNorm calls f for each entry of the table lexeme_norm, with the id of a token's
// text and its norm.
func eachLexemeNorm(b []byte, f func(text uint64, norm string)) error {
	if len(b) == 0 {
		return nil
	}
	c := msgpack.NewReader(b)
	for range c.Map() {
		if table := c.Str(); table != "lexeme_norm" {
			c.Skip()
			continue
		}
		for range c.Map() {
			text, norm := c.Uint(), c.Str()
			if c.Err() != nil {
				return fmt.Errorf("lexeme_norm: %w", c.Err())
			}
			f(text, norm)
		}
	}
	return c.End()
}

// readPattern reads a string or nil.
func readPattern(c *msgpack.Reader) pattern {
	if c.Nil() {
		return pattern{}
	}
	return pattern{c.Str(), true}
}
