package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/control"
)

// statusText returns a status as text for people.
//
//	master 4711  ready  up 3h12m  generation 2  workers 2  on 127.0.0.1:8000
//	model en_core_web_sm 3.8.0
//
//	SLOT  PID   AGE  GEN  STATE  UP     BUSY  REQUESTS  ERRORS  IN FLIGHT  CONNS  MEMORY   OLDEST REQUEST
//	1     4713  3    2    ready  3h10m  37%   120034    0       1          1      61.5MiB  0.02s GET /
//
// BUSY is the computing time of all requests, in percent of the time since the
// worker's start. Several requests at once can make it more than 100%.
func statusText(s *control.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "master %d  %s  up %s  generation %d  workers %d  on %s\n",
		s.Pid, s.State, rough(s.Uptime), s.Generation, s.Wanted, strings.Join(s.Listen, ", "))
	if s.Note != "" {
		fmt.Fprintf(&b, "model %s\n", s.Note)
	}
	if s.Parked > 0 {
		fmt.Fprintf(&b, "parked %d idle connections\n", s.Parked)
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SLOT\tPID\tAGE\tGEN\tSTATE\tUP\tBUSY\tREQUESTS\tERRORS\tIN FLIGHT\tCONNS\tMEMORY\tOLDEST REQUEST")
	for _, w := range s.Workers {
		oldest, memory, busy := "-", "-", "-"
		if w.Uptime > 0 {
			busy = fmt.Sprintf("%.0f%%", 100*w.Busy.Seconds()/w.Uptime.Seconds())
		}
		if w.Oldest > 0 {
			oldest = fmt.Sprintf("%.2fs %s", w.Oldest.Seconds(), printable(w.OldestRequest))
		}
		if w.Memory > 0 {
			memory = fmt.Sprintf("%.1fMiB", float64(w.Memory)/(1<<20))
		}
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", w.Slot, w.Pid, w.Age, w.Generation, w.State, rough(w.Uptime), busy,
			w.Requests, w.Errors, w.InFlight, w.Connections, memory, oldest)
	}
	t.Flush() // a strings.Builder returns no error
	return b.String()
}

// rough rounds a time down for people: 12s, 3m20s, 5h12m, 400h.
func rough(d time.Duration) string {
	switch {
	case d >= 100*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d >= time.Hour:
		d = d.Truncate(time.Minute)
	default:
		d = d.Truncate(time.Second)
	}
	return config.FormatDuration(d)
}

// printable replaces every character that is not printable ASCII by a question mark.
// The text comes from a client, and a terminal would obey its control characters.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
