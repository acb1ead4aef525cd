package bench

import (
	"sync"
	"sync/atomic"
	"time"
)

// trial runs clients side by side. In a burst there is one client for each request. In
// the closed loop each client goes on until all requests are begun or the time is over.
func (r *run) trial() {
	if r.stopped.Load() {
		return
	}
	burst := r.o.mode() == ModeBurst
	over := make(chan struct{}) // closed when Duration has passed
	var left atomic.Int64
	left.Store(int64(r.o.Requests))
	more := func() bool {
		if r.stopped.Load() {
			return false
		}
		if r.o.Duration == 0 {
			return left.Add(-1) >= 0
		}
		select {
		case <-over:
			return false
		default:
			return true
		}
	}

	var began time.Time
	start := make(chan struct{})
	var clients sync.WaitGroup
	for range r.o.connections() {
		clients.Go(func() {
			c := client{run: r}
			defer c.close()
			<-start
			for more() {
				err := r.one(&c, began)
				if burst {
					return
				}
				if err != nil && connectFailed(err) {
					r.pause(over)
				}
			}
		})
	}
	began = time.Now()
	if r.o.Duration > 0 {
		t := time.AfterFunc(r.o.Duration, func() { close(over) })
		defer t.Stop()
	}
	close(start)
	clients.Wait()

	took := time.Since(began)
	r.tally.trial(took, !r.stopped.Load())
}

// pause makes a client that cannot connect wait 10 ms. Clients that try again at once
// would take the processors from a server that is about to start.
func (r *run) pause(over <-chan struct{}) {
	t := time.NewTimer(10 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-over:
	case <-r.stop:
	}
}
