package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Group is a kind of client.
type Group struct {
	Network string // tcp or unix
	Keep    bool   // connections are kept, and replaced if the server has closed them
}

func (g Group) String() string {
	if g.Keep {
		return g.Network + " kept"
	}
	return g.Network + " new"
}

// Options of a load.
type Options struct {
	Addrs   map[string]string // by network
	Groups  []Group
	Clients int // of all groups together; each group has the same number
	Request []byte
	Want    []byte        // the right answer; nil: every answer with status 200 is right
	Timeout time.Duration // of a request; 0: AnswerTime
	Pause   time.Duration // of a client after each request; default 0
	Dial    Dial          // how clients connect; nil: to the address of their group's network
}

// Load is a number of clients, each of which sends its next request as soon as the last is
// answered. A request is lost if it does not get the status 200 and the right answer, for
// whatever reason.
type Load struct {
	Counts []*Count // one for each group

	o    Options
	stop chan struct{}
	done sync.WaitGroup
}

// Count counts the requests of a group.
type Count struct {
	Group
	clients    int
	sent, lost atomic.Int64
	mu         sync.Mutex
	errors     map[string]int
	times      []time.Duration // of answered requests, while Times asks for them
}

var errOtherAnswer = errors.New("another answer than the first")

// Start starts the clients. They send requests until End.
func Start(o Options) *Load {
	l := &Load{o: o, stop: make(chan struct{})}
	for _, g := range o.Groups {
		n := &Count{Group: g, clients: o.Clients / len(o.Groups), errors: map[string]int{}}
		l.Counts = append(l.Counts, n)
		for range n.clients {
			l.done.Go(func() {
				l.work(n, Client{Network: g.Network, Addr: o.Addrs[g.Network], Keep: g.Keep, Timeout: o.Timeout, Dial: o.Dial})
			})
		}
	}
	return l
}

// afterFailure is how long a client waits after a failure. Without it a closed port would
// give most of the count.
const afterFailure = 10 * time.Millisecond

func (l *Load) work(n *Count, c Client) {
	defer c.Close()
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		began := time.Now()
		body, err := c.Ask(context.Background(), l.o.Request)
		if err == nil && l.o.Want != nil && !bytes.Equal(body, l.o.Want) {
			err = errOtherAnswer
		}
		n.add(time.Since(began), err)
		pause := l.o.Pause
		if err != nil {
			pause = max(pause, afterFailure)
		}
		if pause > 0 {
			time.Sleep(pause)
		}
	}
}

func (n *Count) add(took time.Duration, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.lost.Add(1) // before sent, because Answered is sent - lost
		n.errors[err.Error()]++
	} else if len(n.times) < cap(n.times) {
		n.times = append(n.times, took)
	}
	n.sent.Add(1)
}

// End stops the clients. Each finishes its request before.
func (l *Load) End() {
	close(l.stop)
	l.done.Wait()
}

// Answered returns how many requests have got the right answer.
func (n *Count) Answered() int64 { return n.sent.Load() - n.lost.Load() }

// patience is the longest time that AwaitAnswers waits.
const patience = time.Minute

// AwaitAnswers waits until every group has got n more right answers. It fails after a
// minute.
func (l *Load) AwaitAnswers(ctx context.Context, n int64) error {
	return awaitAnswers(ctx, n, l.Counts...)
}

// AwaitAnswers waits until the group has got more further right answers. It fails after a
// minute.
func (n *Count) AwaitAnswers(ctx context.Context, more int64) error {
	return awaitAnswers(ctx, more, n)
}

func awaitAnswers(ctx context.Context, more int64, of ...*Count) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	want := make([]int64, len(of))
	for i, n := range of {
		want[i] = n.Answered() + more
	}
	for i, n := range of {
		for n.Answered() < want[i] {
			select {
			case <-t.C:
			case <-ctx.Done():
				return fmt.Errorf("waiting for %d answers to clients %v: %w", more, n.Group, ctx.Err())
			}
		}
	}
	return nil
}

// Times returns how long the next n answered requests of every group take.
func (l *Load) Times(ctx context.Context, n int) (all []time.Duration, err error) {
	for _, c := range l.Counts {
		c.mu.Lock()
		c.times = make([]time.Duration, 0, n)
		c.mu.Unlock()
	}
	for _, c := range l.Counts {
		// One more for each client, because its present request began before.
		if err := c.AwaitAnswers(ctx, int64(n+c.clients)); err != nil {
			return nil, err
		}
		c.mu.Lock()
		all = append(all, c.times...)
		c.times = nil
		c.mu.Unlock()
	}
	return all, nil
}

// Sums returns how many requests all clients have sent, how many of these were lost, and
// the errors.
func (l *Load) Sums() (sent, lost int64, why string) {
	var all []string
	for _, n := range l.Counts {
		sent += n.sent.Load()
		lost += n.lost.Load()
		if w := n.why(); w != "" {
			all = append(all, n.String()+": "+w)
		}
	}
	return sent, lost, strings.Join(all, "; ")
}

// NoConnection is the beginning of the error if no connection could be made.
const NoConnection = "connect: "

// Failed returns how many requests were lost with an error that begins with prefix.
func (l *Load) Failed(prefix string) (sum int64) {
	for _, n := range l.Counts {
		n.mu.Lock()
		for e, times := range n.errors {
			if strings.HasPrefix(e, prefix) {
				sum += int64(times)
			}
		}
		n.mu.Unlock()
	}
	return sum
}

// why lists the errors of the lost requests, with their numbers.
func (n *Count) why() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for _, e := range slices.Sorted(maps.Keys(n.errors)) {
		all = append(all, fmt.Sprintf("%d × %s", n.errors[e], e))
	}
	return strings.Join(all, ", ")
}
