package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ReadTexts reads lines of JSON, each an object with a string "text". It ignores other
// keys and empty lines. It fails if there is no text. An error about a line begins with
// the line's number.
func ReadTexts(r io.Reader) ([]string, error) {
	var texts []string
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, end := in.ReadBytes('\n')
		if end != nil && end != io.EOF {
			return nil, end
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var object struct {
				Text *string `json:"text"`
			}
			if err := json.Unmarshal(line, &object); err != nil {
				return nil, fmt.Errorf(`line %d: %w: want an object such as {"text": "…"}`, n, err)
			}
			if object.Text == nil {
				return nil, fmt.Errorf(`line %d: no "text" in it: want an object such as {"text": "…"}`, n)
			}
			texts = append(texts, *object.Text)
		}
		if end == io.EOF {
			break
		}
	}
	if len(texts) == 0 {
		return nil, errors.New(`no text: want lines such as {"text": "…"}`)
	}
	return texts, nil
}
