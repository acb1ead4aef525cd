package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Noise is random bytes, mutated requests and connections that end early, sent to the
// service and to the admin address. No process may crash, keep descriptors or grow.
// Ordinary clients must be served meanwhile.

const (
	noiseClients = 16
	noiseStreams = 3000      // number of streams, unless -noise gives a time
	noiseRoom    = 16 << 20  // bytes by which a process may be larger than before
	warmStreams  = 500       // streams before memory and descriptors are measured first
	wholeTime    = time.Hour // longer than a run takes
)

// noiseEvent is the event of a cell with noise.
const noiseEvent = "noise"

// noisy sends noise for length, or noiseStreams streams if length is 0.
func (r *runner) noisy(ctx context.Context, v variant, length time.Duration) error {
	v.workers = crowdWorkers
	admin := r.path(".sock")
	s, err := r.launch(ctx, v, "--admin-bind", "unix:"+admin)
	if err != nil {
		if s != nil {
			s.printLog(r.out)
		}
		return fmt.Errorf("%s: %w", v, err)
	}
	want, err := ask(ctx, "unix", s.addrs["unix"], query)
	if err != nil {
		return fmt.Errorf("%s: %w", v, err)
	}
	l := start(s.addrs, groups, len(groups), 0, want)
	n := &noise{server: s, targets: [][2]string{{"tcp", s.addrs["tcp"]}, {"unix", s.addrs["unix"]}, {"unix", admin}}}
	out := result{server: v.String(), clients: names(groups), event: noiseEvent, times: 1}
	out.note, err = n.play(ctx, length)
	if err == nil {
		err = l.AwaitAnswers(ctx, enough)
	}
	l.End()
	if err == nil {
		err = n.left(ctx)
	}
	out.sent, out.lost, out.why = l.Sums()
	err = errors.Join(err, s.stop(ctx))
	if err != nil {
		out.failed = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	r.add(out)
	if !out.ok() && ctx.Err() == nil {
		s.printLog(r.out)
	}
	return ctx.Err()
}

type noise struct {
	*server
	targets [][2]string // network and address
	workers []int
	before  map[int]sample // by pid
	sent    atomic.Int64
}

// play sends warmStreams streams, measures the processes, and sends the rest.
func (n *noise) play(ctx context.Context, length time.Duration) (figures string, err error) {
	streams := int64(noiseStreams)
	if length > 0 {
		streams = 1 << 62
	} else {
		length = wholeTime
	}
	n.workers = n.server.workers()
	if err := n.send(ctx, warmStreams, wholeTime); err != nil {
		return "", err
	}
	if n.before, err = n.look(); err != nil {
		return "", err
	}
	began := time.Now()
	err = n.send(ctx, streams, length)
	return fmt.Sprintf("%d streams in %v", n.sent.Load(), time.Since(began).Round(time.Second)), err
}

// send sends a number of streams, but stops after length.
func (n *noise) send(ctx context.Context, streams int64, length time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	last := n.sent.Load() + streams
	var all sync.WaitGroup
	errs := make([]error, noiseClients)
	for i := range errs {
		all.Go(func() {
			for ctx.Err() == nil && errs[i] == nil {
				number := n.sent.Add(1)
				if number > last {
					n.sent.Add(-1)
					return
				}
				if errs[i] = n.one(uint64(number)); errs[i] != nil {
					cancel()
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// one sends one stream. Its number and the seed determine all that it does.
func (n *noise) one(number uint64) error {
	random := rand.New(rand.NewPCG(n.r.seed, number))
	target := n.targets[random.IntN(len(n.targets))]
	what := stream(random)
	c, err := net.Dial(target[0], target[1])
	if err != nil {
		return fmt.Errorf("stream %d: %w", number, err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for rest := what; len(rest) > 0; {
		piece := len(rest)
		if random.IntN(2) == 0 {
			piece = 1 + random.IntN(len(rest))
		}
		if _, err := c.Write(rest[:piece]); err != nil {
			break // the server may close the connection
		}
		rest = rest[piece:]
	}
	switch random.IntN(4) {
	case 0: // close
		return nil
	case 1: // close with a reset; on a unix socket, just close
		if t, ok := c.(*net.TCPConn); ok {
			return t.SetLinger(0)
		}
		return nil
	}
	_ = c.(interface{ CloseWrite() error }).CloseWrite() // the server may have closed
	answer, err := io.ReadAll(c)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("stream %d to %s, %q: %v after its end the connection is open, the answer is %q", number, target, what, patience, answer)
	case len(answer) > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.")), bytes.Contains(answer, []byte("HTTP/1.1 500 ")):
		return fmt.Errorf("stream %d to %s, %q: the answer is %q", number, target, what, answer)
	}
	return nil
}

// left waits until no process has more descriptors, or noiseRoom more memory, than
// before. It fails after a minute, if a worker was replaced, or if the log has a panic.
func (n *noise) left(ctx context.Context) error {
	if now := n.server.workers(); fmt.Sprint(now) != fmt.Sprint(n.workers) {
		return fmt.Errorf("the workers were %v, and are %v", n.workers, now)
	}
	if n.count("panic") > 0 {
		return errors.New("a panic is in the log")
	}
	for began := time.Now(); ; {
		now, err := n.look()
		if err != nil {
			return err
		}
		more := ""
		for pid, m := range now {
			if b := n.before[pid]; m.fds > b.fds || m.memory > b.memory+noiseRoom {
				more += fmt.Sprintf("process %d had %d descriptors and %d MiB, and has %d and %d; ", pid, b.fds, b.memory>>20, m.fds, m.memory>>20)
			}
		}
		if more == "" {
			return nil
		}
		if time.Since(began) > patience {
			return fmt.Errorf("%v after the noise: %s", patience, more)
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look measures the master and every worker.
func (n *noise) look() (map[int]sample, error) {
	all := map[int]sample{}
	for _, pid := range append(n.server.workers(), n.pid) {
		m, err := measure(pid)
		if err != nil {
			return nil, fmt.Errorf("process %d: %w", pid, err)
		}
		all[pid] = m
	}
	return all, nil
}
