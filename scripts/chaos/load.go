package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// group is a kind of client.
type group struct {
	network string // tcp or unix
	keep    bool   // connections are kept, and looked at before they are used again
}

func (g group) String() string {
	if g.keep {
		return g.network + " kept"
	}
	return g.network + " new"
}

// groups are the clients every event is tried with.
var groups = []group{{"tcp", false}, {"tcp", true}, {"unix", false}, {"unix", true}}

// clientsAtOnce of all groups together ask again as soon as they are answered.
const clientsAtOnce = 32

// load is clients at work. A request is lost if it was not answered with 200 and
// the right answer, for whatever reason.
type load struct {
	stop   chan struct{}
	done   sync.WaitGroup
	counts []*count // one for each group
}

type count struct {
	group
	clients    int
	sent, lost atomic.Int64
	mu         sync.Mutex
	errors     map[string]int
	times      []time.Duration // of requests that were answered, as many as there is room for
}

// start sets so many clients of all these groups together to work on a server.
func start(addrs map[string]string, of []group, clients int, want []byte) *load {
	l := &load{stop: make(chan struct{})}
	for _, g := range of {
		n := &count{group: g, clients: clients / len(of), errors: map[string]int{}}
		l.counts = append(l.counts, n)
		for range n.clients {
			l.done.Go(func() { l.work(n, client{network: g.network, addr: addrs[g.network], keep: g.keep}, want) })
		}
	}
	return l
}

// afterFailure keeps a closed port from being the whole count.
const afterFailure = 10 * time.Millisecond

func (l *load) work(n *count, c client, want []byte) {
	defer c.close()
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		began := time.Now()
		body, err := c.ask(query)
		took := time.Since(began)
		if err == nil && !bytes.Equal(body, want) {
			err = errOtherAnswer
		}
		if err == nil {
			n.mu.Lock()
			if len(n.times) < cap(n.times) {
				n.times = append(n.times, took)
			}
			n.mu.Unlock()
			n.sent.Add(1)
			continue
		}
		n.lost.Add(1) // first: what is answered is sent less lost
		n.sent.Add(1)
		n.mu.Lock()
		n.errors[err.Error()]++
		n.mu.Unlock()
		time.Sleep(afterFailure)
	}
}

// awaitAnswers waits until every kind of client has n answers more.
func (l *load) awaitAnswers(ctx context.Context, n int64) error {
	for _, c := range l.counts {
		if err := c.awaitAnswers(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (n *count) awaitAnswers(ctx context.Context, more int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for want := n.answered() + more; n.answered() < want; {
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d answers to clients %v: %w", more, n.group, ctx.Err())
		}
	}
	return nil
}

// sums are the requests of all clients, and how they were lost.
func (l *load) sums() (sent, lost int64, why string) {
	var all []string
	for _, n := range l.counts {
		sent += n.sent.Load()
		lost += n.lost.Load()
		if w := n.why(); w != "" {
			all = append(all, n.String()+": "+w)
		}
	}
	return sent, lost, strings.Join(all, "; ")
}

// noConnection is how the error of a request begins that could not be sent.
const noConnection = "connect: "

// failed counts the requests lost with an error that begins like that.
func (l *load) failed(with string) (sum int64) {
	for _, n := range l.counts {
		n.mu.Lock()
		for e, times := range n.errors {
			if strings.HasPrefix(e, with) {
				sum += int64(times)
			}
		}
		n.mu.Unlock()
	}
	return sum
}

// end stops the clients, each after its request under way.
func (l *load) end() {
	close(l.stop)
	l.done.Wait()
}

func (n *count) answered() int64 { return n.sent.Load() - n.lost.Load() }

// why says how the requests were lost.
func (n *count) why() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for _, e := range slices.Sorted(maps.Keys(n.errors)) {
		all = append(all, fmt.Sprintf("%d × %s", n.errors[e], e))
	}
	return strings.Join(all, ", ")
}
