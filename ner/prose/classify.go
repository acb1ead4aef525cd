package prose

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jdkato/prose/v2"
)

// classifier is prose's maximum entropy model in a faster form. For each feature and label
// prose builds a string and looks up its weight: 221 strings for a token. Here all weights
// of a value of a feature are in one list. The labels are the same as prose's, and the
// sums have the same bits.
type classifier struct {
	labels  []string
	weights [features]map[string][]weight // by the value of the feature
	basic   map[string]bool               // the words of Basic English, for enWordlist
}

// weight is the value that a feature adds to the sum of a label.
type weight struct {
	label int
	value float64
}

// The features in the order in which prose adds up their weights.
const (
	bias = iota
	enWordlist
	nextPos
	nextWord
	pos
	posPrevTag
	prefix3
	prevPos
	prevTag
	prevWord
	shape
	shapePrevTag
	suffix3
	word
	wordNextPos
	wordLower
	wordLen
	features
)

var names = [features]string{"bias", "en-wordlist", "nextpos", "nextword", "pos", "pos+prevtag", "prefix3", "prevpos",
	"prevtag", "prevword", "shape", "shape+prevtag", "suffix3", "word", "word+nextpos", "word.lower", "wordlen"}

// newClassifier returns a classifier with the model that is embedded in prose.
func newClassifier() (*classifier, error) {
	var mapping map[string]int // "feature-value-label" → index of a weight
	var values []float64
	var basic []string
	c := &classifier{basic: map[string]bool{}}
	for name, v := range map[string]any{"labels": &c.labels, "mapping": &mapping, "weights": &values, "words": &basic} {
		b, err := prose.Asset("model/Maxent/" + name + ".gob")
		if err == nil {
			err = gob.NewDecoder(bytes.NewReader(b)).Decode(v)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, w := range basic {
		c.basic[w] = true
	}
	for i := range c.weights {
		c.weights[i] = map[string][]weight{}
	}
	for key, index := range mapping {
		feature, value, label := c.parse(key)
		if feature < 0 || label < 0 {
			return nil, fmt.Errorf("mapping: %q is no feature with a label", key)
		}
		value = strings.Clone(value) // otherwise the whole key would stay in memory
		c.weights[feature][value] = append(c.weights[feature][value], weight{label, values[index]})
	}
	return c, nil
}

// parse splits a key of the mapping into feature, value and label. feature or label is -1
// if the key has none. Values and labels also contain hyphens. But the start of a key
// matches only one "feature-", and its end only one "-label".
func (c *classifier) parse(key string) (feature int, value string, label int) {
	feature = slices.IndexFunc(names[:], func(n string) bool { return strings.HasPrefix(key, n+"-") })
	label = slices.IndexFunc(c.labels, func(l string) bool { return strings.HasSuffix(key, "-"+l) })
	if feature >= 0 && label >= 0 {
		value = strings.TrimSuffix(key[len(names[feature])+1:], "-"+c.labels[label])
	}
	return feature, value, label
}

// classify sets the labels of tokens. Their parts of speech must be set. The label of a
// token also depends on the tokens before and after it.
func (c *classifier) classify(tokens []token) {
	before := "None" // B, I or O: the start of the previous token's label
	sum := make([]float64, len(c.labels))
	for i := range tokens {
		t := &tokens[i]
		var value [features]string
		value[bias] = "True"
		value[enWordlist] = "False"
		if c.basic[t.text] {
			value[enWordlist] = "True"
		}
		value[pos] = t.tag
		value[word] = t.text
		value[wordLower] = strings.ToLower(t.text)
		value[wordLen] = strconv.Itoa(len(t.text))
		value[prefix3] = strings.ToLower(t.text[:min(3, len(t.text))])
		value[suffix3] = strings.ToLower(t.text[max(0, len(t.text)-3):])
		value[shape] = shapeOf(t.text)
		value[prevTag] = before
		value[prevWord], value[prevPos] = "None", "None"
		if i > 0 {
			value[prevWord], value[prevPos] = strings.ToLower(tokens[i-1].text), tokens[i-1].tag
		}
		prevShape := "None"
		if i > 1 {
			prevShape = shapeOf(tokens[i-1].text)
		}
		value[nextWord], value[nextPos] = "None", "None"
		if i+1 < len(tokens) {
			value[nextWord], value[nextPos] = strings.ToLower(tokens[i+1].text), strings.ToLower(tokens[i+1].tag)
		}
		value[wordNextPos] = value[wordLower] + "+" + value[nextPos]
		value[posPrevTag] = t.tag + "+" + before
		value[shapePrevTag] = prevShape + "+" + before

		clear(sum)
		for f, v := range value {
			for _, w := range c.weights[f][v] {
				sum[w.label] += w.value
			}
		}
		best := 0
		for l := range sum {
			if sum[l] > sum[best] {
				best = l
			}
		}
		t.label = c.labels[best]
		before, _, _ = strings.Cut(t.label, "-")
	}
}

// shapeOf returns prose's name for how a word is written: number, punct, downcase, upcase
// or mixedcase. The word must not be empty.
func shapeOf(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return "number"
	}
	last := s[len(s)-1]
	switch {
	case last != '_' && (last < '0' || last > '9') && (last < 'A' || last > 'Z') && (last < 'a' || last > 'z'):
		return "punct"
	case strings.ToLower(s) == s:
		return "downcase"
	case strings.Title(s) == s: //nolint:staticcheck // deprecated, and what the model was trained with
		return "upcase"
	}
	return "mixedcase"
}
