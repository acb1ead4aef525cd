package bench

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b bytes.Buffer
	r.writeTrials(&b)
	r.writeLatency(&b)
	r.writeCounts(&b)
	_, err := w.Write(b.Bytes())
	return err
}

func (r *Report) writeTrials(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s\n%s\n\n", r.Target, r.Load)
	if r.Interrupted {
		fmt.Fprintln(b, "interrupted: what was measured until then")
	}
	for i, t := range r.Trials {
		if r.Mode == ModeBurst || len(r.Trials) > 1 {
			fmt.Fprintf(b, "trial %-5d %8.3f s\n", i+1, t.Seconds())
		}
	}
	if len(r.Trials) > 1 {
		fmt.Fprintf(b, "average     %8.3f s\n", r.Average().Seconds())
	}
	fmt.Fprintf(b, "all         %8.3f s, %s, %.1f a second\n", r.Elapsed.Seconds(), r.answers(), r.PerSecond())
}

// answers returns the number of answers in OK as text. It calls them right only if they
// were compared: a page of HTML has status 200, too.
func (r *Report) answers() string {
	if r.Checked {
		return fmt.Sprintf("%d right answers", r.OK)
	}
	return fmt.Sprintf("%d answers with status 200", r.OK)
}

func (r *Report) writeLatency(b *bytes.Buffer) {
	if r.OK == 0 {
		return
	}
	b.WriteString("\n           ")
	for _, p := range percentiles {
		fmt.Fprintf(b, "%10s", p.name)
	}
	writePercentiles(b, "service", r.Service)
	if r.Response != nil {
		writePercentiles(b, "response", r.Response)
	}
	b.WriteString("\n\n")
	writeHistogram(b, r.Latency())
	switch r.Mode {
	case ModeOpen:
		fmt.Fprintf(b, "service: from the sending; response: from when it was due. The client was at most %s late.\n", short(r.MaxLag))
	case ModeBurst:
		b.WriteString("service: from connecting; response: from the start of the trial\n")
	case ModeClosed:
		b.WriteString("closed loop hides queueing: use --rate for latency under load\n")
	}
}

func writePercentiles(b *bytes.Buffer, name string, h *hdrhistogram.Histogram) {
	fmt.Fprintf(b, "\n%-11s", name)
	for _, p := range percentiles {
		fmt.Fprintf(b, "%10s", short(quantile(h, p.p)))
	}
}

// writeHistogram writes up to ten rows from the least to the greatest time. All rows have
// the same ratio, so that one slow request does not push all others into the first row.
func writeHistogram(b *bytes.Buffer, h *hdrhistogram.Histogram) {
	const width = 40
	low, high := float64(max(h.Min(), 1)), float64(h.Max())
	rows := min(10, 1+int(math.Log(high/low)/math.Log(1.05))) // each at least 5 % wide
	bound := func(row int) float64 { return low * math.Pow(high/low, float64(row+1)/float64(rows)) }
	counts := make([]int64, rows)
	row := 0
	for _, bar := range h.Distribution() {
		for row < rows-1 && float64(bar.To) > bound(row) {
			row++
		}
		counts[row] += bar.Count
	}
	most := slices.Max(counts)
	for row, n := range counts {
		length := int(math.Ceil(float64(n) / float64(most) * width))
		fmt.Fprintf(b, "  ≤ %-8s %s %d\n", short(time.Duration(bound(row))), strings.Repeat("▇", length), n)
	}
}

func (r *Report) writeCounts(b *bytes.Buffer) {
	fmt.Fprintf(b, "\nrequests    %d: %s, %d failed", r.Requests, r.answers(), r.Failed())
	if r.Mode == ModeOpen {
		fmt.Fprintf(b, ", %d dropped", r.Dropped)
	}
	if r.Unfinished > 0 {
		fmt.Fprintf(b, ", %d given up at the end", r.Unfinished)
	}
	fmt.Fprintf(b, "\nconnections %d", r.Connects)
	if r.Reconnects > 0 {
		fmt.Fprintf(b, ", %d of them in place of one the server had closed while idle", r.Reconnects)
	}
	if r.Retries > 0 {
		fmt.Fprintf(b, "; %d × sent again, because it closed one just then", r.Retries)
	}
	b.WriteByte('\n')
	if !r.Checked && r.OK > 0 {
		b.WriteString("content     not looked at; --check compares the answers to each text\n")
	}
	if r.Requests > 0 {
		fmt.Fprintf(b, "client      %s of processor time, %s a request\n", short(r.CPU), short(r.CPU/time.Duration(r.Requests)))
	}
	for _, status := range slices.Sorted(maps.Keys(r.Status)) {
		fmt.Fprintf(b, "status %d  %d\n", status, r.Status[status])
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(b, "error       %d × %s: %s\n", r.Errors[kind], kind, r.FirstError[kind])
	}
	if d := r.Difference; d != nil {
		fmt.Fprintf(b, "\ntwo answers to the same text differ:\n  text             %.200q\n  i_request %-6d %s\n  i_request %-6d %s\n",
			d.Text, d.FirstRequest, d.First, d.SecondRequest, d.Second)
	}
}

// short rounds to three digits: 1.234567ms is 1.23ms.
func short(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
