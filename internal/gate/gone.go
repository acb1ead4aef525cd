package gate

// A request whose client hangs up while it waits leaves the queue at once: its memory is
// free, and the server gets its head without a place, only to log it. In the pair between
// workers nobody sees that a client hangs up.

// expect drops what waits for a place if its client has hung up. g.mu is held.
func (c *client) expect() {
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
		for at := c.g.paused.Front(); at != nil; at = at.Next() {
			e := at.Value.(*entry)
			if r := e.r; r.client() == c && r.left() {
				e.remove()
				close(r.turn) // it sees that its client has gone, and ends
				break
			}
		}
	}
}

// client returns the client of a request or of an Extra; nil if its connection is not the
// gate's.
func (r *Request) client() *client {
	switch {
	case r.parent != nil:
		return r.parent.client()
	case r.c != nil:
		return r.c.c
	}
	return nil
}
