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

	first := closed
	if d.Queue {
		first = emptying
	}
	g.mu.Lock()
	g.last = d.Last
	g.mu.Unlock()
	g.enter(first)
	g.mu.Lock()
	for len(g.listeners) > 0 && ctx.Err() == nil {
		g.change.Wait()
	}
	g.mu.Unlock()
	g.enter(closed)

	timer := time.AfterFunc(d.Linger, func() { g.enter(hangUp) })
	defer timer.Stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.conns) > 0 && ctx.Err() == nil {
		g.change.Wait()
	}
	return ctx.Err()
}

// enter moves on to a stage, never back, and wakes whoever waits.
func (g *Gate) enter(s stage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s <= g.stage {
		return
	}
	g.stage = s
	now := time.Now()
	for l := range g.listeners {
		_ = l.file.SetReadDeadline(now) // it may be closed already
	}
	if s == hangUp {
		for c := range g.conns {
			if c.resting {
				_ = c.file.SetReadDeadline(now)
			}
		}
	}
	g.change.Broadcast()
}

// Stop stops accepting at once, without waiting for anything.
func (g *Gate) Stop() { g.enter(closed) }
