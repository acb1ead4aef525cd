// Sizing writes the tables of docs/cluster.md that are computed: from the figures of
// docs/benchmark.md, and from the model of a queue in queue.go.
//
//	go run ./scripts/sizing
package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := run("docs/benchmark.md", "docs/cluster.md"); err != nil {
		fmt.Fprintln(os.Stderr, "sizing:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := read(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	doc, err := os.ReadFile(to)
	if err != nil {
		return err
	}
	for section, table := range map[string]string{
		"cores": f.coresTable(), "fullest": fullestTable(), "measured": f.measuredTable(), "pods": f.podsTable(), "pooled": f.pooledTable(),
	} {
		if doc, err = replace(doc, section, table); err != nil {
			return fmt.Errorf("%s: %w", to, err)
		}
	}
	return os.WriteFile(to, doc, 0o644)
}

// replace puts a table between the two marks of a section.
func replace(doc []byte, section, table string) ([]byte, error) {
	open, end := fmt.Appendf(nil, "<!-- %s -->\n", section), fmt.Appendf(nil, "<!-- /%s -->", section)
	from, to := bytes.Index(doc, open), bytes.Index(doc, end)
	if from < 0 || to < from {
		return nil, fmt.Errorf("no section between %q and %q", open, end)
	}
	return append(append(append([]byte(nil), doc[:from+len(open)]...), table...), doc[to:]...), nil
}

// figures are those of docs/benchmark.md.
type figures struct {
	lengths []length
	queues  []queue
}

// length is a row of the table "By bytes".
type length struct{ bytes, ms float64 } // ms: the server's processor time for a request

// queue is a row of the table "Waiting at 70 % load".
type queue struct {
	server                           string
	paragraphs, capacity, p99, ideal float64 // p99 in ms; ideal: of M/D/2
}

// paragraph returns the text of the length that most tables of docs/benchmark.md have.
func (f *figures) paragraph() (length, error) {
	for _, l := range f.lengths {
		if l.bytes > 500 && l.bytes < 1500 {
			return l, nil
		}
	}
	return length{}, fmt.Errorf("no text of about 1000 bytes")
}

func read(doc string) (*figures, error) {
	f := &figures{}
	for _, r := range rows(doc, "### By bytes") {
		if r[0] == "narwhal concurrent" {
			f.lengths = append(f.lengths, length{number(r[1]), number(r[5])})
		}
	}
	for _, r := range rows(doc, "## Waiting at 70 % load") {
		if strings.HasPrefix(r[0], "narwhal") {
			f.queues = append(f.queues, queue{r[0], number(r[1]), number(r[2]), number(r[5]), number(r[6])})
		}
	}
	if _, err := f.paragraph(); err != nil || len(f.queues) == 0 {
		return nil, fmt.Errorf("%d rows by bytes, %d of the queue: the tables have another form", len(f.lengths), len(f.queues))
	}
	return f, nil
}

// rows returns the cells of the first table after a heading, without the table's head.
func rows(doc, heading string) (all [][]string) {
	_, doc, _ = strings.Cut(doc, heading+"\n")
	for line := range strings.Lines(doc) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "|") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			all = append(all, cells)
		} else if len(all) > 0 {
			break
		}
	}
	return all[min(2, len(all)):]
}

// number returns the number in a cell, or a value that is no number.
func number(cell string) float64 {
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}
