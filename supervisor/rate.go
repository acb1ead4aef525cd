package supervisor

import (
	"fmt"
	"time"
)

// rateEvery is how often the rate of requests in the status is measured.
const rateEvery = 10 * time.Second

// rate is the number of requests answered per second between the last two
// measurements. It is unknown before the second one.
type rate struct {
	at    time.Time // of the last measurement
	total uint64    // answered by then
	known bool
	value float64 // requests a second
}

// measure calls total if the last measurement is at least rateEvery old.
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

// String returns the rate as a part of the status line, empty if it is unknown. A
// rate below 10 has one decimal: rounded, one request in ten seconds would be 0.
func (r rate) String() string {
	switch {
	case !r.known:
		return ""
	case r.value == 0 || r.value >= 10:
		return fmt.Sprintf(", %.0f requests/s", r.value)
	}
	return fmt.Sprintf(", %.1f requests/s", r.value)
}
