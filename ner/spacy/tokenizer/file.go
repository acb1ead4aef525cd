package tokenizer

import (
	"fmt"
	"strings"

	"github.com/narwhal-server/narwhal/internal/msgpack"
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
	c := msgpack.NewReader(b)
	for range c.Map() {
		key := c.Str()
		switch key {
		case "prefix_search":
			f.prefix = optionalStr(c)
		case "suffix_search":
			f.suffix = optionalStr(c)
		case "infix_finditer":
			f.infix = optionalStr(c)
		case "url_match":
			f.url = optionalStr(c)
		case "token_match":
			f.tokenMatch = optionalStr(c)
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

// readSpecials reads the map of special cases and holds it to what spaCy
// demands of them (Tokenizer._validate_special_case): the tokens of a rule are
// the text it is for, cut up.
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

// readAttr reads an attribute, a number or, from a tokenizer that other code
// wrote, its name: the attributes' names are symbols.
func readAttr(c *msgpack.Reader) uint64 {
	if c.IsString() {
		return stringID(c.Str())
	}
	return c.Uint()
}

// readLexemeNorms reads the table lexeme_norm of vocab/lookups.bin, and returns
// it as id of a token's text → id of its norm. A pipeline without such a table,
// or without the file (b is empty), has no such norms, as in spaCy.
func readLexemeNorms(b []byte) (map[uint64]uint64, error) {
	norms := make(map[uint64]uint64)
	if len(b) == 0 {
		return norms, nil
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
				return nil, fmt.Errorf("lexeme_norm: %w", c.Err())
			}
			norms[text] = stringID(norm)
		}
	}
	return norms, c.End()
}

// optionalStr reads a string or nil, which is "".
func optionalStr(c *msgpack.Reader) string {
	if c.Nil() {
		return ""
	}
	return c.Str()
}
