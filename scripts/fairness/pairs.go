package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

// sizes of texts, in bytes.
var sizes = []int{4_000, 20_000, 200_000, 700_000}

// pairs sends two requests at once to two idle workers, many times. If one worker computes
// both, while the other is idle, the pair has shared a worker. That must not happen, for
// any size of the requests and any way in which they arrive.
func pairs(ctx context.Context, o options) error {
	fmt.Printf("%-20s %9s", "pairs that shared", "text")
	for _, m := range manners {
		fmt.Printf("  %14s", m.name)
	}
	fmt.Println()
	shared := 0
	for _, c := range o.classes() {
		n, err := pairsOf(ctx, o, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		shared += n
	}
	if shared > 0 {
		return fmt.Errorf("%d pairs shared a worker while the other idled: want 0", shared)
	}
	return nil
}

func pairsOf(ctx context.Context, o options, c class) (shared int, err error) {
	s, err := server.Start(ctx, o.program, 2, c.args...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	for _, size := range sizes {
		fmt.Printf("%-20s %6d kB", c.name, size/1000)
		for _, m := range manners {
			if m.keep && !c.keep {
				continue
			}
			n := max(1, o.pairs/(len(manners)-1))
			these, err := pairsLike(ctx, s, m, size, n)
			if err != nil {
				return shared, fmt.Errorf("%d bytes, %s: %w", size, m.name, err)
			}
			fmt.Printf("  %14s", fmt.Sprintf("%d of %d", these, n))
			shared += these
		}
		fmt.Println()
	}
	return shared, nil
}

// pairsLike sends n pairs and returns how many shared a worker. It sends a pair again if
// its requests were not sent at the same time. It fails if that occurs too often.
func pairsLike(ctx context.Context, s *server.Server, m manner, size, n int) (shared int, err error) {
	query := request(size, m.keep)
	one := client.Client{Network: "tcp", Addr: s.Addr, Keep: m.keep, Timeout: answerTime}
	two := [2]client.Client{one, one}
	defer two[0].Close()
	defer two[1].Close()
	before, err := settled(ctx, s, 0)
	if err != nil {
		return 0, err
	}
	apart := 0
	for done := 0; done < n; {
		overlapped, err := together(ctx, &two, m, query)
		if err != nil {
			return shared, err
		}
		after, err := settled(ctx, s, sum(before)+2)
		if err != nil {
			return shared, err
		}
		same := false
		for pid, requests := range after {
			same = same || requests-before[pid] == 2
		}
		before = after
		// A pair does not count if one request was answered before the other was sent.
		if !overlapped {
			if apart++; apart > 10*n {
				return shared, fmt.Errorf("of %d pairs only %d were sent at the same time: this machine has too much else to do", done+apart, done)
			}
			continue
		}
		done++
		if same {
			shared++
		}
	}
	return shared, nil
}

// together has both clients send a request at the same moment. It reports whether each
// request was sent whole before the other was answered.
func together(ctx context.Context, two *[2]client.Client, m manner, query []byte) (overlapped bool, err error) {
	type result struct {
		sent, answered time.Time
		err            error
	}
	begin, results := make(chan struct{}), make(chan result, 2)
	for i := range two {
		go func() {
			<-begin
			var r result
			r.sent, r.answered, r.err = ask(ctx, &two[i], m, query)
			results <- r
		}()
	}
	close(begin)
	a, b := <-results, <-results
	if err := errors.Join(a.err, b.err); err != nil {
		return false, err
	}
	return a.sent.Before(b.answered) && b.sent.Before(a.answered), nil
}

func sum(of map[int]uint64) (n uint64) {
	for _, x := range of {
		n += x
	}
	return n
}
