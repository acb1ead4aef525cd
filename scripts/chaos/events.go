package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"syscall"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

// event is something that an operator or a fault does to a server.
type event struct {
	name        string
	long, short int      // how often it happens
	args        []string // flags of the server; the same for narwhal and Gunicorn
	kills       bool     // it kills workers, so requests may be lost
	ends        bool     // it ends the server; refused connections are not lost requests
	do          func(ctx context.Context, s *server, i int) error
}

// times returns how often the event happens.
func (e event) times(short bool) int {
	if short {
		return e.short
	}
	return e.long
}

var events = []event{
	{name: "HUP", long: 20, short: 3, do: reload},
	{name: "scale 4→1→4", long: 20, short: 3, do: scale},
	{name: "USR2", long: 12, short: 3, do: func(ctx context.Context, s *server, _ int) error { return s.product.upgrade(ctx, s) }},
	{name: "recycling", long: 20, short: 8, args: []string{"--max-requests", "50", "--max-requests-jitter", "10"}, do: recycling},
	{name: "worker TERM", long: 20, short: 5, do: termWorker},
	{name: "worker kill -9", long: 20, short: 5, kills: true, do: killWorker},
	{name: "TERM", long: 5, short: 2, ends: true, do: term},
}

// replaced waits until all of these workers have ended and the server has as many
// workers as it should.
func (s *server) replaced(ctx context.Context, old []int) error {
	return s.await(ctx, fmt.Sprintf("the successors of workers %v", old), func() bool {
		for _, pid := range old {
			if _, ok := s.alive[pid]; ok {
				return false
			}
		}
		return len(s.alive) == s.size()
	})
}

// reload sends HUP and waits until all workers are replaced, and until narwhal says that
// the reload is done: a worker may also be replaced for another reason, and narwhal refuses
// USR2 during a reload.
func reload(ctx context.Context, s *server, _ int) error {
	said := logevent.ReloadDone.Text()
	old, done := s.workers(), s.count(said)
	if err := s.signal(s.pid, syscall.SIGHUP); err != nil {
		return err
	}
	if s.product == narwhal {
		if err := s.awaitSaid(ctx, done+1, said); err != nil {
			return err
		}
	}
	return s.replaced(ctx, old)
}

func scale(ctx context.Context, s *server, i int) error {
	if s.product == narwhal && i%2 == 1 { // every second time with narwhal's own command
		for _, n := range []int{1, workers} {
			if err := s.tell(ctx, "scale", strconv.Itoa(n)); err != nil {
				return err
			}
		}
		return s.replaced(ctx, nil)
	}
	step := func(sig syscall.Signal, n int) error {
		if err := s.signal(s.pid, sig); err != nil {
			return err
		}
		// Two pending signals of a kind count as one, so wait for each.
		return s.await(ctx, fmt.Sprintf("%d workers", n), func() bool { return len(s.alive) == n })
	}
	for n := workers - 1; n >= 1; n-- {
		if err := step(syscall.SIGTTOU, n); err != nil {
			return err
		}
	}
	for n := 2; n <= workers; n++ {
		if err := step(syscall.SIGTTIN, n); err != nil {
			return err
		}
	}
	return nil
}

func recycling(ctx context.Context, s *server, i int) error {
	return s.await(ctx, "a worker to be recycled", func() bool { return s.gone > i })
}

func termWorker(ctx context.Context, s *server, _ int) error {
	victim := s.workers()[0]
	if err := s.signal(victim, syscall.SIGTERM); err != nil {
		return err
	}
	return s.replaced(ctx, []int{victim})
}

func killWorker(ctx context.Context, s *server, _ int) error {
	victim := s.workers()[0]
	s.kills++
	if err := s.signal(victim, syscall.SIGKILL); err != nil {
		return err
	}
	return s.replaced(ctx, []int{victim})
}

// term ends the server. Clients that are connected must be answered, also those in the
// accept queue. Other clients are refused.
func term(ctx context.Context, s *server, _ int) error { return s.stop(ctx) }

// newMaster sends USR2, and makes the new master the one in charge. The log tells its
// pid: it is the first group of said.
func (s *server) newMaster(ctx context.Context, said *regexp.Regexp) error {
	s.mu.Lock()
	before := len(s.find(said))
	s.mu.Unlock()
	if err := s.signal(s.pid, syscall.SIGUSR2); err != nil {
		return err
	}
	pid, err := s.awaitPid(ctx, "a new master", said, before)
	if err == nil {
		s.follow(pid)
	}
	return err
}
