package gate

import (
	"context"
	"time"
)

// Departure says how a worker leaves.
type Departure struct {
	// Queue makes the worker accept until no connection has come for 100 ms. The last
	// worker of a service must answer the clients that wait in the kernel's queue.
	Queue bool

	Linger time.Duration // how long clients may use idle connections; 0: not at all
}

// Drain ends the worker's service without losing a request:
//
//  1. The gate stops accepting: at once, or with Departure.Queue when the queues are empty.
//  2. Every request that was read or is being read gets its answer. If the worker cannot
//     park the connection, the answer says Connection: close.
//  3. Clients may use or close their idle connections for Departure.Linger.
//  4. Then the gate closes connections on which nothing has arrived.
//
// Drain returns nil when no connection is open. When ctx ends, it returns the error of
// ctx, and open connections are left to the end of the process.
//
// A server's own shutdown closes idle connections without a look whether a request has
// just arrived on them. Drain looks. A race of one round trip remains for clients that
// keep connections: HTTP/1.1 cannot avoid it (RFC 9112, 9.6).
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

// Last says that no other process goes on with the service. When it has returned, the
// worker parks no connection any more. It takes parked ones until the master has no more.
// A worker that already leaves can be told, too.
func (g *Gate) Last() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = true
}

// has reports whether a source of this kind is open. g.mu is held.
func (g *Gate) has(k kind) bool {
	for _, s := range g.sources {
		if s.kind == k {
			return true
		}
	}
	return false
}

// enter moves the gate to a later stage. It does nothing for a stage that has begun or
// passed. g.mu is held.
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

// quiet is how long the queues must stay empty before a leaving worker stops accepting.
// In this time a handshake can end, and a connection can appear that TCP_DEFER_ACCEPT
// hides until its data has arrived.
const quiet = 100 * time.Millisecond

// emptied closes the listening sockets of a leaving worker when the queues have been empty
// for quiet. g.mu is held.
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

// Stop stops accepting and returns at once. Open connections stay. When the last one has
// ended, Accept returns net.ErrClosed.
func (g *Gate) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.enter(closed)
	g.stopped = true
	g.change.Broadcast()
	g.endStopped()
}

// endStopped ends the gate if Stop was called and no connection is open. g.mu is held.
func (g *Gate) endStopped() {
	if g.stopped && len(g.clients) == 0 {
		g.finish()
	}
}

// finish closes all sources and ends the gate: Accept then returns net.ErrClosed. g.mu is
// held.
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
