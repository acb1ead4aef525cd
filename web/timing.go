package web

import (
	"strconv"
	"time"
)

// timing is how long a request waited for a place, and had it.
type timing struct{ queue, compute time.Duration }

// sayTiming tells the client in the field Server-Timing how long the request waited for a
// place and how long it computed, in milliseconds. It does nothing for a request that has
// not asked for a place.
func (r *request) sayTiming() timing {
	queue, compute, ok := r.gate.Times()
	if !ok {
		return timing{}
	}
	t := timing{queue, compute}
	var b [64]byte
	r.Response.Header.SetCanonical(serverTiming, t.append(b[:0]))
	return t
}

// append appends the value of the field Server-Timing.
func (t timing) append(b []byte) []byte {
	b = appendMilliseconds(append(b, "queue;dur="...), t.queue)
	return appendMilliseconds(append(b, ", compute;dur="...), t.compute)
}

var serverTiming = []byte("Server-Timing")

// appendMilliseconds appends d in milliseconds with three digits behind the point.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	us := d.Microseconds()
	b = append(strconv.AppendInt(b, us/1000, 10), '.')
	us %= 1000
	return append(b, byte('0'+us/100), byte('0'+us/10%10), byte('0'+us%10))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
