package bench

import (
	"sync"
	"sync/atomic"
	"time"
)

// trial runs clients side by side: in a burst as many as requests, each sends one;
// in the closed loop each goes on until the requests or the time are used up.
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

// pause keeps a client that cannot connect from trying as fast as it can, which
// would take the processors from a server about to come back.
func (r *run) pause(over <-chan struct{}) {
	t := time.NewTimer(10 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-over:
	case <-r.stop:
	}
}
