package metrics

import (
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Totals are numbers that only grow, by key (Key). Times are in nanoseconds. Names and not
// positions are the keys, because the masters of an upgrade may be of different versions.
type Totals map[string]uint64

// Key returns the key of a number: the name of its metric and the values of its labels. For
// a histogram the last value is the upper end of a bucket, or says that it is the sum.
func Key(parts ...string) string { return strings.Join(parts, keySeparator) }

const (
	keySeparator = "|"
	keyInf       = "+Inf" // the bucket of what is larger than all edges
	keySum       = "sum"
)

// Add adds other totals.
func (t Totals) Add(other Totals) {
	for key, n := range other {
		t[key] += n
	}
}

// Raise replaces the numbers of t by those of other that are larger.
func (t Totals) Raise(other Totals) {
	for key, n := range other {
		t[key] = max(t[key], n)
	}
}

// Since returns what t has more than other.
func (t Totals) Since(other Totals) Totals {
	more := Totals{}
	for key, n := range t {
		if before := other[key]; n > before {
			more[key] = n - before
		}
	}
	return more
}

// Clone returns a copy.
func (t Totals) Clone() Totals {
	if t == nil {
		return Totals{}
	}
	return maps.Clone(t)
}

// Parts divides totals into parts of at most size numbers.
func (t Totals) Parts(size int) []Totals {
	var parts []Totals
	for key, n := range t {
		if len(parts) == 0 || len(parts[len(parts)-1]) == size {
			parts = append(parts, Totals{})
		}
		parts[len(parts)-1][key] = n
	}
	return parts
}

// Sum adds up what workers have counted. It adds the cells of pages by their numbers, and
// looks up a key only once for all pages: with 64 workers a scrape takes a millisecond less.
type Sum struct {
	totals Totals
	cells  []uint64 // of the pages, except entities
}

// NewSum returns a sum that begins with t. It changes t.
func NewSum(t Totals) *Sum { return &Sum{t, make([]uint64, entitiesAt)} }

// Add adds a number.
func (s *Sum) Add(key string, n uint64) { s.totals[key] += n }

// AddPage adds the numbers of a page.
func (s *Sum) AddPage(p *Page) {
	p.each(cells, func(i int, n uint64) {
		if i < entitiesAt {
			s.cells[i] += n
		} else {
			s.totals[Key(EntitiesTotal, p.label(Label(i-entitiesAt)))] += n
		}
	})
}

// Totals returns the sum.
func (s *Sum) Totals() Totals {
	keys := cellKeys()
	for i, n := range s.cells {
		if n > 0 {
			s.totals[keys[i]] += n
		}
	}
	clear(s.cells)
	return s.totals
}

// Requests returns how many requests were answered, and how many of them with 5xx.
func (t Totals) Requests() (all, failed uint64) {
	for key, n := range t {
		if values, ok := strings.CutPrefix(key, RequestsTotal+keySeparator); ok {
			all += n
			if strings.HasPrefix(values[strings.LastIndex(values, keySeparator)+1:], "5") {
				failed += n
			}
		}
	}
	return all, failed
}

// Counter is a counter with certain labels.
type Counter struct {
	Values []string // of the labels
	Number float64
}

// Counters returns the counters of a family that are more than 0.
func (t Totals) Counters(f *Family) []Counter {
	var all []Counter
	for key, n := range t {
		if values, ok := f.Values(key); ok {
			all = append(all, Counter{values, f.scale(n)})
		}
	}
	return all
}

// Histogram is a histogram with certain labels.
type Histogram struct {
	Values  []string
	Buckets map[float64]uint64 // how many values are at most as large as an edge
	Count   uint64
	Sum     float64
}

// Histograms returns the histograms of a family that have a value.
func (t Totals) Histograms(f *Family) []Histogram {
	single := map[string]map[string]uint64{} // by labels, then by the end of the bucket
	for key, n := range t {
		rest, ok := strings.CutPrefix(key, f.Name+keySeparator)
		if !ok {
			continue
		}
		at := strings.LastIndex(rest, keySeparator)
		labels, end := rest[:max(at, 0)], rest[at+1:]
		if single[labels] == nil {
			single[labels] = map[string]uint64{}
		}
		single[labels][end] += n
	}
	var all []Histogram
	for labels, cells := range single {
		h := Histogram{Buckets: map[float64]uint64{}, Sum: f.scale(cells[keySum])}
		if len(f.Labels) > 0 {
			h.Values = strings.SplitN(labels, keySeparator, len(f.Labels))
		}
		for i, name := range edgeNames() {
			h.Count += cells[name]
			h.Buckets[Edges[i].Seconds()] = h.Count
		}
		h.Count += cells[keyInf]
		all = append(all, h)
	}
	return all
}

// Values returns the values of the labels of a key, if the key is one of the family. The
// last value may have a separator in it.
func (f *Family) Values(key string) ([]string, bool) {
	if len(f.Labels) == 0 {
		return nil, key == f.Name
	}
	rest, ok := strings.CutPrefix(key, f.Name+keySeparator)
	if !ok {
		return nil, false
	}
	values := strings.SplitN(rest, keySeparator, len(f.Labels))
	return values, len(values) == len(f.Labels)
}

// scale returns a number of the totals in the family's unit.
func (f *Family) scale(n uint64) float64 {
	if f.Unit == "seconds" {
		return time.Duration(n).Seconds()
	}
	return float64(n)
}

// edgeNames returns the names that the buckets have in keys.
var edgeNames = sync.OnceValue(func() (names []string) {
	for _, e := range Edges {
		names = append(names, strconv.FormatFloat(e.Seconds(), 'g', -1, 64))
	}
	return names
})
