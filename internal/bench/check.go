package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// checker compares the answers to one text with the first of them.
type checker struct {
	first []atomic.Pointer[numbered] // by text

	mu         sync.Mutex
	difference *Difference // the first that was seen
}

// numbered is an answer with the i_request of its request.
type numbered struct {
	number int
	body   []byte
}

// Difference is two answers to one text that should be equal, but are not.
type Difference struct {
	Text          string `json:"text"`
	FirstRequest  int    `json:"first_request"` // their i_request
	First         string `json:"first"`
	SecondRequest int    `json:"second_request"`
	Second        string `json:"second"`
}

var errDifferent = errors.New("different answer")

func newChecker(texts int) *checker {
	return &checker{first: make([]atomic.Pointer[numbered], texts)}
}

// check returns what is wrong with an answer to the text of that index, or nil. It checks
// only whether the first answer is JSON: the others must be equal to the first.
func (k *checker) check(texts []string, index, number int, body []byte) error {
	first := k.first[index].Load()
	if first == nil {
		if !json.Valid(body) {
			return malformed(fmt.Sprintf("not JSON: %.200q", body))
		}
		own := &numbered{number, bytes.Clone(body)}
		if k.first[index].CompareAndSwap(nil, own) {
			return nil
		}
		first = k.first[index].Load()
	}
	if bytes.Equal(first.body, body) {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.difference == nil {
		k.difference = &Difference{texts[index], first.number, string(first.body), number, string(body)}
	}
	return fmt.Errorf("%w: request %d got %.200q, and request %d, with the same text, %.200q",
		errDifferent, number, body, first.number, first.body)
}

// answers returns the first answer to each text, nil if there was none.
func (k *checker) answers() []json.RawMessage {
	all := make([]json.RawMessage, len(k.first))
	for i := range k.first {
		if a := k.first[i].Load(); a != nil {
			all[i] = a.body
		}
	}
	return all
}
