package gate

import "container/list"

// A request whose client hangs up while it waits leaves the queue at once: its memory is
// free, and the server gets its head without a place, only to log it. In the pair between
// workers nobody sees that a client hangs up.

// dropIfGone drops what waits for a place if its client has hung up. g.mu is held.
func (c *client) dropIfGone() {
	switch {
	case !c.hup:
	case c.state == waiting && c.hungUp():
		for at := c.g.fifo.Front(); at != nil; at = at.Next() {
			if e := at.Value.(*entry); e.c == c {
				e.remove()
				break
			}
		}
		c.refuse(ErrGone)
	case c.state == serving:
		for _, l := range []*list.List{&c.g.fifo, &c.g.paused} {
			for at := l.Front(); at != nil; {
				e := at.Value.(*entry)
				at = at.Next()
				if e.r.client() == c && e.r.left() {
					e.remove()
					close(e.r.turn) // it has no place, and fails with ErrGone
				}
			}
		}
	}
}

// client returns the client of a request or of an Extra; nil if its connection is not the
// gate's, or r is nil. g.mu is held.
func (r *Request) client() *client {
	switch {
	case r == nil:
		return nil
	case r.parent != nil:
		return r.parent.client()
	case r.c != nil:
		return r.c.c
	}
	return nil
}
