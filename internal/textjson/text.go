// Package textjson reads texts from JSON and writes entities as JSON. Package web and
// narwhal ner use it.
//
// The bytes that are read must be UTF-8 (CheckUTF8). Read splits an object into its fields,
// and Object.Text returns its text:
//
//	o, fault := textjson.Read([]byte(`{"id":7,"text":"Ada"}`))
//	text, fault := o.Text()
//
// In an array of texts, each text has its own fault:
//
//	for value := range textjson.Elements(o.Get("texts")) {
//		id, text, fault := textjson.Item(value)
//	}
//
// The reader refuses half a surrogate pair ("\ud800"). Python turns it into a string that
// is not valid text, and on which spaCy fails. encoding/json replaces it without an error.
//
// A Fault has the facts only. The caller writes the message, because it knows where the
// text came from.
package textjson

import (
	"strings"
)

// Fault says why there is no text.
type Fault struct {
	Kind   Kind
	Err    error  // NotJSON: what encoding/json says
	Type   string // NotObject, NotItem, NotString: the type of the value, such as "a number"
	Like   string // NoText: a key that the client may have meant as "text", or ""
	Escape string // HalfSurrogate: the escape of the first half pair, such as \ud800
}

// Kind is a kind of Fault.
type Kind int

const (
	NotJSON       Kind = iota + 1 // the bytes are not valid JSON
	NotObject                     // the JSON is not an object
	NotItem                       // an item of an array is neither a string nor an object
	NoText                        // the object has no key "text"
	NotString                     // the value of "text" is not a string
	HalfSurrogate                 // the text has half of a surrogate pair, which is not a character
)

// Text returns the value of the object's key "text". It ignores other keys. It fails with
// NoText, NotString or HalfSurrogate.
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

// Item returns the text of one item of an array. The item is a string or an object
// {"id": …, "text": "…"}. The id is the JSON as it was written, or nil if there is none. If
// the text has a fault, Item still returns the id. Item fails with NotItem, or as
// Object.Text does.
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

// textOf returns the Go string for a valid JSON string. It fails with HalfSurrogate.
func textOf(value []byte) (string, *Fault) {
	if half := halfSurrogate(value); half != "" {
		return "", &Fault{Kind: HalfSurrogate, Escape: half}
	}
	return unquote(value), nil
}

// likeText returns a key with a string value that the client may have meant as "text", or
// "". Of several it returns the first in byte order.
func (o Object) likeText() string {
	like := ""
	for _, f := range o {
		if f.Value[0] == '"' && near(f.Name) && (like == "" || f.Name < like) {
			like = f.Name
		}
	}
	return like
}

// near reports whether a client may have meant a key as "text": because it is spelled like
// that, or because another server uses this key.
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
