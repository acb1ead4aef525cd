package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

// A crowded server has a crowd beside its ordinary clients. The crowd comes and goes
// several times, and these clients are measured with and without it in one run. So other
// work on the machine slows both measurements.

const (
	crowdRounds  = 3                // times that the crowd comes; 1 in the short form
	moreRounds   = 6                // times that it comes besides if the clients were slower
	crowdSamples = 250              // requests of each kind of client in a measurement
	shortSamples = 50               // the same, in the short form, which judges no times
	crowdClients = 1                // ordinary clients of each kind
	crowdParts   = 200              // parts of a crowd that act one after the other in a second
	slowerAtMost = 1.5              // limit: p99 with the crowd divided by p99 without
	backWithin   = 10 * time.Second // limit: from the crowd's end until memory is back
	backRoom     = 16 << 20         // bytes by which a worker may be larger than before
)

// roomForCrowds is how many bytes of memory a worker may take for the bodies and answers
// of all its clients together.
const roomForCrowds = 64 << 20

// crowdWorkers is the number of workers. It is small, so that a crowd is larger than
// what all workers hold together.
const crowdWorkers = 2

// round has the 99th percentile of the clients' times: without the crowd, while it
// arrives, and when it is there.
type round struct{ without, arriving, with time.Duration }

func (r round) ratio() float64 { return float64(r.with) / float64(max(1, r.without)) }

// figures are the measurements of a crowded server.
type figures struct {
	round                        // the one with the median ratio
	memory         int64         // before the crowd, in bytes
	most, may      int64         // the most there was, and the limit of it, in bytes
	back           time.Duration // until memory was back
	there, invited int           // clients of the crowd: connected, and all
}

func (f *figures) String() string {
	return fmt.Sprintf("p99 %.2f × (%.1f ms, without %.1f ms, while they arrive %.1f ms), memory %d MiB, at most %d of %d, back in %.1f s, %d of %d connected",
		f.ratio(), ms(f.with), ms(f.without), ms(f.arriving), f.memory>>20, f.most>>20, f.may>>20, f.back.Seconds(), f.there, f.invited)
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// crowded plays a crowd on a server, and adds the result. It fails only if the whole run
// cannot go on.
func (r *runner) crowded(ctx context.Context, v variant, c crowd) error {
	rounds, args := crowdRounds, []string(nil)
	if r.short { // with smaller limits, because fewer clients come
		rounds, args = 1, []string{"--worker-connections", "100", "--backlog", "64"}
	}
	if c.connections > 0 {
		args = []string{"--worker-connections", strconv.Itoa(c.connections)}
	}
	v.workers, v.clients = crowdWorkers, crowdClients*len(groups)
	s, l, err := r.underLoad(ctx, v, groups, args...)
	if err != nil {
		return err
	}
	f := &figures{invited: c.size(r.short)}
	err = r.measureCrowd(ctx, s, l, c, rounds, f)
	out := result{server: v.String(), clients: names(groups), event: c.name(r.short), times: rounds, figures: f}
	return r.finish(ctx, s, l, out, err, func() int64 { return 0 })
}

func (r *runner) measureCrowd(ctx context.Context, s *server, l *client.Load, c crowd, rounds int, f *figures) error {
	if c.answered {
		if answer, err := ask(ctx, "tcp", s.addrs["tcp"], much); err != nil || len(answer) < 32<<10 {
			return fmt.Errorf("a request with a large answer: %d bytes, %v; this needs en_core_web_sm", len(answer), err)
		}
	}
	if _, err := r.slowest(ctx, l); err != nil { // warm up first
		return err
	}
	var err error
	if f.memory, err = s.memory(); err != nil {
		return err
	}
	f.may = f.memory + int64(crowdWorkers*roomForCrowds)
	watched := s.watchMemory()
	defer func() { f.most = watched.end() }()
	var all []round
	for len(all) < rounds {
		var one round
		if one.without, err = r.slowest(ctx, l); err != nil {
			return err
		}
		if err = r.withCrowd(ctx, s, l, c, f, &one); err != nil {
			return err
		}
		all = append(all, one)
		if err := l.AwaitAnswers(ctx, enough); err != nil {
			return err
		}
		f.round = median(all)
		if !r.short && len(all) == crowdRounds && f.ratio() > slowerAtMost { // of few rounds, chance may have made that
			rounds += moreRounds
		}
	}
	f.most = watched.end()
	if f.back, err = s.awaitMemory(ctx, f.memory+int64(crowdWorkers*backRoom)); err != nil {
		return err
	}
	if err := reload(ctx, s, 0); err != nil {
		return err
	}
	switch {
	case f.most > f.may:
		return fmt.Errorf("memory: %v", f)
	case r.short: // the rest depends on the machine
		return nil
	case f.ratio() > slowerAtMost:
		return fmt.Errorf("clients are slower beside the crowd: %v", f)
	case f.back > backWithin:
		return fmt.Errorf("memory came back late: %v", f)
	}
	return nil
}

// median returns the round with the median ratio.
func median(rounds []round) round {
	sorted := slices.SortedFunc(slices.Values(rounds), func(a, b round) int { return cmp.Compare(a.ratio(), b.ratio()) })
	return sorted[len(sorted)/2]
}

// withCrowd lets the crowd come, measures the ordinary clients while it arrives and when
// it is there, and lets the crowd leave.
func (r *runner) withCrowd(ctx context.Context, s *server, l *client.Load, c crowd, f *figures, one *round) (err error) {
	g, err := c.gather(s.addrs["tcp"], f.invited)
	if err != nil {
		return err
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for part := 0; c.again != nil; part = (part + 1) % crowdParts {
			select {
			case <-stop:
				return
			case <-time.After(time.Second / crowdParts):
				c.again(g.fds[len(g.fds)*part/crowdParts : len(g.fds)*(part+1)/crowdParts])
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
		err = errors.Join(err, g.leave())
	}()
	if one.arriving, err = r.slowest(ctx, l); err != nil {
		return err
	}
	if c.answered {
		if err := g.awaitAnswers(ctx); err != nil {
			return err
		}
	}
	if !r.short { // which has no limit for the times
		if err := g.awaitRest(ctx, s); err != nil {
			return err
		}
	}
	f.there = g.open()
	one.with, err = r.slowest(ctx, l)
	return err
}

// The crowd is there when for restFor the server has neither taken nor closed one of its
// connections. In this time the kernel shows the server clients that have sent nothing
// (TCP_DEFER_ACCEPT). Some crowds try to connect for ever, so arriveTime bounds the wait.
const (
	restFor    = 2 * time.Second
	arriveTime = 10 * time.Second
	lookEvery  = 200 * time.Millisecond
)

// awaitRest waits until the crowd is there. While it arrives, the server has the work to
// take and close thousands of connections in a second. That slows the ordinary clients,
// too, and is measured apart.
func (g *gathered) awaitRest(ctx context.Context, s *server) error {
	taken, open := -1, -1
	for began, since := time.Now(), time.Now(); time.Since(began) < arriveTime && time.Since(since) < restFor; {
		if t, o := s.descriptors(), g.open(); o != open || abs(t-taken) > ordinary {
			taken, open, since = t, o, time.Now()
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// ordinary is by how many descriptors the ordinary clients make the server's number go up
// and down.
const ordinary = 16

func abs(n int) int { return max(n, -n) }

// descriptors returns how many descriptors the master and all its workers have open.
func (s *server) descriptors() (n int) {
	for _, pid := range proc.Tree(s.pid) {
		fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)) // an error: the process has left
		n += len(fds)
	}
	return n
}

// awaitAnswers waits until every answer to the crowd has begun to arrive. Until then the
// server computes for the crowd, and that slows the ordinary clients, too.
func (g *gathered) awaitAnswers(ctx context.Context) error {
	waiting := g.fds
	for end := time.Now().Add(patience); len(waiting) > 0; {
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d clients that do not read had no answer after %v", len(waiting), len(g.fds), patience)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		ready, err := g.ready(waiting, unix.POLLIN, 100*time.Millisecond)
		if err != nil {
			return err
		}
		waiting = slices.DeleteFunc(slices.Clone(waiting), func(fd int) bool { return ready[fd] })
	}
	return nil
}

// slowest waits for the next requests of every kind of client, and returns the 99th
// percentile of their times. Every kind has the same number of requests, so a slow kind
// counts as much as the others.
func (r *runner) slowest(ctx context.Context, l *client.Load) (time.Duration, error) {
	samples := crowdSamples
	if r.short {
		samples = shortSamples
	}
	times, err := l.Times(ctx, samples)
	return stats.Quantile(times, 0.99), err
}

// memory returns the memory (PSS) of the master and all its workers, in bytes.
func (s *server) memory() (int64, error) { return proc.PSS(proc.Tree(s.pid)...) }

// watching measures the memory of a server every watchEvery.
type watching struct {
	stop, stopped chan struct{}
	most          int64
}

const watchEvery = 250 * time.Millisecond

func (s *server) watchMemory() *watching {
	w := &watching{stop: make(chan struct{}), stopped: make(chan struct{})}
	go func() {
		defer close(w.stopped)
		for {
			if n, err := s.memory(); err == nil {
				w.most = max(w.most, n)
			}
			select {
			case <-w.stop:
				return
			case <-time.After(watchEvery):
			}
		}
	}()
	return w
}

// end stops measuring, and returns the most memory there was, in bytes. It may be called
// twice.
func (w *watching) end() int64 {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	<-w.stopped
	return w.most
}

// awaitMemory waits until a server has at most most bytes of memory, and returns how long
// that took. It fails after a minute.
func (s *server) awaitMemory(ctx context.Context, most int64) (time.Duration, error) {
	began := time.Now()
	for {
		n, err := s.memory()
		if err != nil || n <= most {
			return time.Since(began), err
		}
		if time.Since(began) > patience {
			return 0, fmt.Errorf("%v after the crowd has left the server has %d MiB: want %d or less", patience, n>>20, most>>20)
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// isCrowd reports whether the result is that of a crowd.
func (x result) isCrowd() bool { return x.figures != nil }

// crowdTable has a row for each crowd and server.
func crowdTable(b *strings.Builder, of []result) {
	b.WriteString("| crowd | server | lost | p99 with the crowd ÷ without | while it arrives | memory, at most, bound | back after |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, x := range of {
		f := x.figures
		fmt.Fprintf(b, "| %s | %s | %d of %d | %.2f (%.1f ms, %.1f ms) | %.1f ms | %d, %d, %d MiB | %.1f s |\n", x.event, x.server, x.lost, x.sent,
			f.ratio(), ms(f.with), ms(f.without), ms(f.arriving), f.memory>>20, f.most>>20, f.may>>20, f.back.Seconds())
	}
}
