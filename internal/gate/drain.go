package gate

import (
	"context"
	"time"
)

// Departure is how a worker leaves.
type Departure struct {
	// Queue makes it accept until nothing has come for a moment: the last worker
	// must answer what already waits in the kernel.
	Queue bool

	// Last says that nobody goes on with the service. Connections are then not
	// parked, and parked ones are taken until the master has no more.
	Last bool

	Linger time.Duration // for clients to use or close idle connections
}

// Drain ends the worker's service without losing a request, in this order:
//
//  1. accepting stops: at once, or when the queues are empty;
//  2. every request read or being read is answered; if connections cannot be
//     parked, with Connection: close;
//  3. clients get the linger to use or close their idle connections;
//  4. then connections on which nothing has arrived are closed.
//
// It returns when no connection is open, or with the error of ctx.
//
// A server's own shutdown closes idle connections without looking whether a
// request has just arrived on them. What remains here is a race of one round
// trip, inherent in HTTP/1.1 (RFC 9112, 9.6), for clients that keep connections.
func (g *Gate) Drain(ctx context.Context, d Departure) error {
	stop := context.AfterFunc(ctx, func() {
		g.mu.Lock()
		g.change.Broadcast()
		g.mu.Unlock()
	})
	defer stop()

	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.finish()
	g.last = d.Last
	g.begun = true
	if d.Queue {
		g.enter(emptying)
		for g.has(fromListen) && ctx.Err() == nil {
			g.change.Wait()
		}
	}
	g.enter(closed)
	timer := time.AfterFunc(d.Linger, func() {
		g.mu.Lock()
		g.enter(hangUp)
		g.mu.Unlock()
	})
	defer timer.Stop()
	for (len(g.clients) > 0 || g.has(fromPark) || g.left()) && ctx.Err() == nil {
		g.change.Wait()
	}
	return ctx.Err()
}

// has says whether a source of this kind is open. g.mu is held.
func (g *Gate) has(k kind) bool {
	for _, s := range g.sources {
		if s.kind == k {
			return true
		}
	}
	return false
}

// enter moves on to a stage, never back. g.mu is held.
func (g *Gate) enter(s stage) {
	if s <= g.stage || g.closing {
		return
	}
	g.stage = s
	g.quiet = time.Now()
	switch s {
	case closed:
		for _, o := range g.sources {
			if o.over() && o.kind != fromShare {
				o.close()
			}
		}
		if g.o.Park != nil && !g.last {
			for _, c := range g.clients {
				if c.resting {
					c.leave()
				}
			}
		}
	case hangUp:
		now := time.Now()
		for _, c := range g.clients {
			c.expire(now)
		}
	}
	g.proceed()
	g.change.Broadcast()
}

// quiet is how long a queue must stay empty before a leaving worker believes
// that nobody is connected and not yet accepted. It covers a handshake under
// way and TCP_DEFER_ACCEPT, which hides a connection until its data is there.
const quiet = 100 * time.Millisecond

// emptied ends accepting when the queues of a leaving worker have been empty for
// long enough. g.mu is held.
func (g *Gate) emptied(now time.Time) {
	if g.stage != emptying || now.Sub(g.quiet) < quiet {
		return
	}
	for _, s := range g.sources {
		if s.kind == fromListen {
			s.close()
		}
	}
}

// Stop stops accepting at once, without waiting for anything.
func (g *Gate) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.enter(closed)
	g.stopped = true
	g.change.Broadcast()
	g.endStopped()
}

// endStopped ends a gate that was stopped and has nothing left. g.mu is held.
func (g *Gate) endStopped() {
	if g.stopped && len(g.clients) == 0 {
		g.finish()
	}
}

// finish ends the gate. g.mu is held.
func (g *Gate) finish() {
	if g.closing {
		return
	}
	for _, s := range g.sources {
		s.close()
	}
	if g.share.file != nil {
		g.share.file.Close()
	}
	g.closing = true
	g.timer.Stop()
	g.granted.Broadcast()
	_ = g.set.SetReadDeadline(time.Now()) // wait closes the set
}
