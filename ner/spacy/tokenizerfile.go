package spacy

import (
	"fmt"
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
	err := readMap(b, func(key string, b []byte) (rest []byte, err error) {
		switch key {
		case "prefix_search":
			f.prefix, rest, err = readOptionalString(b)
		case "suffix_search":
			f.suffix, rest, err = readOptionalString(b)
		case "infix_finditer":
			f.infix, rest, err = readOptionalString(b)
		case "url_match":
			f.url, rest, err = readOptionalString(b)
		case "token_match":
			f.tokenMatch, rest, err = readOptionalString(b)
		case "faster_heuristics":
			f.fasterHeuristics, rest, err = msgp.ReadBoolBytes(b)
		case "exceptions":
			f.specials, rest, err = readSpecials(b)
		default:
			return msgp.Skip(b)
		}
		return rest, err
	})
	return f, err
}

// readMap calls value for each entry of the map that b is, with the entry's key
// and with b from the entry's value on.
func readMap(b []byte, value func(key string, b []byte) (rest []byte, err error)) error {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return err
	}
	for range n {
		key, rest, err := msgp.ReadMapKeyZC(b)
		if err != nil {
			return err
		}
		if b, err = value(string(key), rest); err != nil {
			return fmt.Errorf("%.40q: %w", key, err)
		}
	}
	return nil
}

// readOptionalString reads a string or nil, which is "".
func readOptionalString(b []byte) (s string, rest []byte, err error) {
	if msgp.IsNil(b) {
		rest, err = msgp.ReadNilBytes(b)
		return "", rest, err
	}
	return readString(b)
}

func readString(b []byte) (s string, rest []byte, err error) {
	if s, rest, err = msgp.ReadStringBytes(b); err == nil && !utf8.ValidString(s) {
		err = fmt.Errorf("%.40q is not valid UTF-8", s)
	}
	return s, rest, err
}

// readSpecials reads the map of special cases and holds it to what spaCy
// demands of them (Tokenizer._validate_special_case): the tokens of a rule are
// the text it is for, cut up.
func readSpecials(b []byte) (specials map[string][]ruleToken, rest []byte, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, nil, err
	}
	specials = make(map[string][]ruleToken) // not sized by n: a broken file may say anything
	for range n {
		var text string
		if text, b, err = readString(b); err != nil {
			return nil, nil, err
		}
		var tokens []ruleToken
		if tokens, b, err = readRule(b); err != nil {
			return nil, nil, fmt.Errorf("special case %.40q: %w", text, err)
		}
		var whole string
		for _, t := range tokens {
			if t.orth == "" {
				return nil, nil, fmt.Errorf("special case %.40q: a token without text", text)
			}
			whole += t.orth
		}
		if whole != text || text == "" {
			return nil, nil, fmt.Errorf("special case %.40q: its tokens make %.40q", text, whole)
		}
		specials[text] = tokens
	}
	return specials, b, nil
}

// readRule reads the tokens of one special case.
func readRule(b []byte) (tokens []ruleToken, rest []byte, err error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, nil, err
	}
	for range n {
		var attrs uint32
		if attrs, b, err = msgp.ReadMapHeaderBytes(b); err != nil {
			return nil, nil, err
		}
		var t ruleToken
		for range attrs {
			var attr uint64
			if attr, b, err = readAttr(b); err != nil {
				return nil, nil, err
			}
			switch attr {
			case attrOrth:
				t.orth, b, err = readString(b)
			case attrNorm:
				t.norm, b, err = readString(b)
			default:
				err = fmt.Errorf("attribute %d: only ORTH (65) and NORM (67) can be set", attr)
			}
			if err != nil {
				return nil, nil, err
			}
		}
		tokens = append(tokens, t)
	}
	return tokens, b, nil
}

// readAttr reads an attribute, a number or, from a tokenizer that other code
// wrote, its name: the attributes' names are symbols.
func readAttr(b []byte) (attr uint64, rest []byte, err error) {
	if msgp.NextType(b) == msgp.StrType {
		name, rest, err := msgp.ReadStringBytes(b)
		return stringID(name), rest, err
	}
	return msgp.ReadUint64Bytes(b)
}

// readLexemeNorms reads the table lexeme_norm of vocab/lookups.bin, and returns
// it as id of a token's text → id of its norm. A pipeline without such a table,
// or without the file (b is empty), has no such norms: spaCy then has none
// either.
func readLexemeNorms(b []byte) (map[uint64]uint64, error) {
	norms := make(map[uint64]uint64)
	if len(b) == 0 {
		return norms, nil
	}
	err := readMap(b, func(table string, b []byte) (rest []byte, err error) {
		if table != "lexeme_norm" {
			return msgp.Skip(b)
		}
		n, b, err := msgp.ReadMapHeaderBytes(b)
		if err != nil {
			return nil, err
		}
		for range n {
			var text uint64
			if text, b, err = msgp.ReadUint64Bytes(b); err != nil {
				return nil, err
			}
			var norm string
			if norm, b, err = readString(b); err != nil {
				return nil, err
			}
			norms[text] = stringID(norm)
		}
		return b, nil
	})
	return norms, err
}
