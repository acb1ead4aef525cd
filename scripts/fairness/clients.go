package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	clientsTime = 3 * time.Second
	leastShare  = 0.8 // of what the client with most answers gets
	clientsText = 120 // bytes, some 20 tokens
)

// clients has 4 and 8 clients ask again as soon as they are answered, each on its
// kept connection, two workers. It prints how many answers the slowest client got
// by how many the fastest did, in the worst and the median run.
func clients(ctx context.Context, o options) error {
	fmt.Printf("%-20s  %7s  %22s  %14s\n", "", "clients", "slowest by fastest", "answers/s")
	var errs []error
	for _, c := range classes {
		if !c.keep {
			continue
		}
		for _, n := range []int{4, 8} {
			ratios, rates, err := clientsOf(ctx, o, c, n)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			fmt.Printf("%-20s  %7d  worst %.2f, median %.2f  %14.0f\n", c.name, n, ratios[0], ratios[len(ratios)/2], rates[len(rates)/2])
			if ratios[0] < leastShare {
				errs = append(errs, fmt.Errorf("%s, %d clients: the slowest got %.2f of the fastest's answers: want %v in every run", c.name, n, ratios[0], leastShare))
			}
		}
	}
	return errors.Join(errs...)
}

func clientsOf(ctx context.Context, o options, c class, n int) (ratios, rates []float64, err error) {
	s, err := start(ctx, o.program, 2, c.args...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for range o.runs {
		answers, err := s.closedLoop(ctx, n, clientsText, clientsTime)
		if err != nil {
			return nil, nil, err
		}
		slices.Sort(answers)
		all := int64(0)
		for _, a := range answers {
			all += a
		}
		ratios = append(ratios, float64(answers[0])/float64(answers[n-1]))
		rates = append(rates, float64(all)/clientsTime.Seconds())
	}
	slices.Sort(ratios)
	slices.Sort(rates)
	return ratios, rates, nil
}

// closedLoop has n clients ask again and again for a time, and says how many
// answers each of them got.
func (s *server) closedLoop(ctx context.Context, n, size int, length time.Duration) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	kept := manners[len(manners)-1]
	head, body := request(size, true)
	answers, errs := make([]int64, n), make([]error, n)
	var connected atomic.Int64
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			c := client{addr: s.addr}
			defer c.close()
			for ctx.Err() == nil {
				if _, _, err := c.ask(kept, head, body); err != nil {
					errs[i] = err
					return
				}
				if answers[i] == 0 {
					connected.Add(1)
				}
				if connected.Load() == int64(n) { // from then on they compete
					answers[i]++
				} else if answers[i] == 0 {
					answers[i] = 1
				}
			}
		})
	}
	all.Wait()
	return answers, errors.Join(errs...)
}
