// Package textjson reads texts from JSON and writes entities as JSON. All that
// takes a text in JSON and answers with its entities uses it: the routes of
// package web, and narwhal ner.
//
// What is read must be UTF-8 (CheckUTF8). Read takes an object apart, Object.Text
// has its text:
//
//	o, fault := textjson.Read([]byte(`{"id":7,"text":"Ada"}`))
//	text, fault := o.Text()
//
// Of an array of texts each has a fault of its own:
//
//	for value := range textjson.Elements(o.Get("texts")) {
//		id, text, fault := textjson.Item(value)
//	}
//
// The reader refuses half a surrogate pair ("\ud800"). Python makes a string of it
// that is no text and that spaCy fails on. encoding/json silently makes another
// text of it.
//
// A Fault has the facts. The caller words them: it knows where the text came from.
package textjson

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Fault says why there is no text.
type Fault struct {
	Kind   Kind
	Err    error  // NotJSON: what encoding/json says
	Type   string // NotObject, NotItem, NotString: what is there instead, such as "a number"
	Like   string // NoText: a key that may have been meant to be "text", or ""
	Escape string // HalfSurrogate: the first half pair, such as \ud800
}

// Kind is a kind of Fault.
type Kind int

const (
	NotJSON       Kind = iota + 1
	NotObject          // JSON, and no object
	NotItem            // an item of an array, and neither a string nor an object
	NoText             // an object without a "text"
	NotString          // the "text" is no string
	HalfSurrogate      // the text has half of a surrogate pair, which is no character
)

// Text returns the object's "text". Other keys are ignored. It fails with NoText,
// NotString or HalfSurrogate.
func (o Object) Text() (string, *Fault) {
	value := o.Get("text")
	switch {
	case value == nil:
		return "", &Fault{Kind: NoText, Like: o.likeText()}
	case value[0] != '"':
		return "", &Fault{Kind: NotString, Type: TypeOf(value)}
	}
	return textOf(value)
}

// Item returns the text of one item of an array, which is a string or an object
// {"id": …, "text": "…"}. The id is returned as it was written, also beside a
// fault; it is nil if there is none. Item fails with NotItem and like Object.Text.
func Item(value []byte) (id []byte, text string, fault *Fault) {
	switch value[0] {
	case '"':
		text, fault = textOf(value)
		return nil, text, fault
	case '{':
		o, fault := fieldsOf(value)
		if fault != nil {
			return nil, "", fault
		}
		text, fault = o.Text()
		return o.Get("id"), text, fault
	}
	return nil, "", &Fault{Kind: NotItem, Type: TypeOf(value)}
}

// textOf returns what a string says.
func textOf(value []byte) (string, *Fault) {
	if half := halfSurrogate(value); half != "" {
		return "", &Fault{Kind: HalfSurrogate, Escape: half}
	}
	return unquote(value), nil
}

// halfSurrogate returns the first escape of half a surrogate pair in a valid JSON
// string, or "".
func halfSurrogate(value []byte) string {
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			continue
		}
		i++ // what is escaped
		if value[i] != 'u' {
			continue
		}
		r := escaped(value[i-1:])
		switch {
		case !utf16.IsSurrogate(r):
			i += 4
		case utf16.DecodeRune(r, escaped(value[i+5:])) != utf8.RuneError:
			i += 10
		default:
			return string(value[i-1 : i+5])
		}
	}
	return ""
}

// escaped returns the code unit of the \uXXXX that s begins with, or 0.
func escaped(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0
	}
	n, _ := strconv.ParseUint(string(s[2:6]), 16, 16)
	return rune(n)
}

// likeText returns the key that may have been meant to be "text", or "". Of several
// it is the first in the order of the alphabet.
func (o Object) likeText() string {
	like := ""
	for _, f := range o {
		if f.Value[0] == '"' && near(f.Name) && (like == "" || f.Name < like) {
			like = f.Name
		}
	}
	return like
}

// near reports whether a key may have been meant to be "text": by spelling, or
// because another server calls it so.
func near(key string) bool {
	if len(key) > 32 {
		return false
	}
	key = strings.ToLower(strings.Trim(key, " _-\t"))
	switch key {
	case "text", "txt", "texts", "test", "tekst", "texte", "input", "inputs", "document", "doc",
		"content", "body", "sentence", "query", "message", "data", "prompt", "string":
		return true
	}
	return false
}
