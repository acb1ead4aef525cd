package supervisor

import (
	"fmt"
	"time"
)

// rateEvery is how often the rate of requests in the status is measured.
const rateEvery = 10 * time.Second

// rate is how many requests a second were answered between the last two
// measurements. Until there are two it is unknown.
type rate struct {
	at    time.Time // of the last measurement
	total uint64    // answered by then
	known bool
	value float64 // requests a second
}

// measure looks at the total if the last look is old enough.
func (r *rate) measure(now time.Time, total func() uint64) {
	if now.Before(r.at.Add(rateEvery)) {
		return
	}
	n := total()
	if !r.at.IsZero() {
		r.known = true
		r.value = float64(n-r.total) / now.Sub(r.at).Seconds()
	}
	r.at, r.total = now, n
}

// String is a part of the status line. Few requests have a decimal, or one in
// ten seconds would look like none.
func (r rate) String() string {
	switch {
	case !r.known:
		return ""
	case r.value == 0 || r.value >= 10:
		return fmt.Sprintf(", %.0f requests/s", r.value)
	}
	return fmt.Sprintf(", %.1f requests/s", r.value)
}

// answered is how many requests all workers have answered since the start.
func (m *master) answered() uint64 {
	n := m.past
	for _, w := range m.workers {
		n += w.proc.Status().Requests
	}
	return n
}
