package main

import (
	"fmt"
	"math"
	"strings"
)

const (
	many = 10_000 // requests a second, of the plans on paper
	part = 0.99   // of the requests
	slow = 0.010  // seconds that this part waits at most, in the plans
)

// table returns a table in Markdown.
func table(head string, columns int, row func(add func(format string, args ...any))) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|%s\n", head, strings.Repeat(" --- |", columns))
	row(func(format string, args ...any) { fmt.Fprintf(&b, "| "+format+" |\n", args...) })
	return b.String()
}

func (f *figures) coresTable() string {
	return table("bytes of a text | processor time, ms | requests/s a core | cores that 10,000 requests/s keep busy", 4, func(add func(string, ...any)) {
		for _, l := range f.lengths {
			add("%.0f | %.2f | %s | %s", l.bytes, l.ms, round(1000/l.ms), round(many*l.ms/1000))
		}
	})
}

// round writes a number with two digits that count, or more if it has more before the point.
func round(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", math.Round(v/100)*100)
	}
	if v >= 10 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func fullestTable() string {
	return table("workers of a pod | at most 1 × | at most 4 × | at most 10 ×", 4, func(add func(string, ...any)) {
		for _, c := range []int{1, 2, 4, 8, 16, 32} {
			add("%d | %.0f %% | %.0f %% | %.0f %%", c, 100*fullest(c, 1, part), 100*fullest(c, 4, part), 100*fullest(c, 10, part))
		}
	})
}

func (f *figures) measuredTable() string {
	return table("server, text | capacity, requests/s | measured p99, ms | M/D/2, ms | M/M/2, ms", 5, func(add func(string, ...any)) {
		for _, q := range f.queues {
			const workers, load = 2, 0.7 * 2
			model := response(workers, load, part) * workers / q.capacity
			add("%s, %.0f × the paragraph | %.0f | %.1f | %.1f | %.1f", q.server, q.paragraphs, q.capacity, q.p99, q.ideal, 1000*model)
		}
	})
}

// pods returns how many pods of so many workers answer a rate. Requests wait no longer than
// slow, also while one pod is missing.
func pods(workers int, rate, service float64) int {
	most := fullest(workers, slow/service, part)
	return 1 + int(math.Ceil(rate*service/(most*float64(workers))))
}

func (f *figures) podsTable() string {
	l, err := f.paragraph()
	if err != nil {
		panic(err) // read has looked for it
	}
	service := l.ms / 1000
	return table("requests/s | pods of 2 workers | of 4 | of 8 | of 16", 5, func(add func(string, ...any)) {
		for _, rate := range []float64{100, 300, 1000, 3000, many} {
			cells := []any{round(rate)}
			for _, c := range []int{2, 4, 8, 16} {
				n := max(2, pods(c, rate, service))
				cells = append(cells, fmt.Sprintf("%d (%d cores, %.0f %% busy)", n, n*c, 100*rate*service/float64(n*c)))
			}
			add("%s | %s | %s | %s | %s", cells...)
		}
	})
}

// pooledTable has the same 16 workers at the same load, in one pod and in several.
func (f *figures) pooledTable() string {
	l, err := f.paragraph()
	if err != nil {
		panic(err) // read has looked for it
	}
	return table("16 workers | 50 % busy | 70 % busy | 85 % busy", 4, func(add func(string, ...any)) {
		for _, c := range []int{16, 8, 4, 2, 1} {
			cells := []any{fmt.Sprintf("%d × %d", 16/c, c)}
			for _, busy := range []float64{0.5, 0.7, 0.85} {
				cells = append(cells, fmt.Sprintf("%.1f ms", l.ms*wait(c, busy*float64(c), part)))
			}
			add("%s | %s | %s | %s", cells...)
		}
	})
}
