package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

const (
	clientsTime = 3 * time.Second // of a run
	leastShare  = 0.8             // limit: answers of the slowest client ÷ of the fastest
	clientsText = 120             // bytes of the text, about 20 tokens
)

// clients measures two workers with 4 and with 8 clients. Each client keeps its connection,
// and sends its next request as soon as the last is answered. clients prints the answers
// of the slowest client divided by those of the fastest, in the worst and the median run.
func clients(ctx context.Context, o options) error {
	fmt.Printf("%-20s  %7s  %22s  %14s\n", "", "clients", "slowest by fastest", "answers/s")
	var errs []error
	for _, c := range o.classes() {
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
	s, err := server.Start(ctx, o.program, 2, c.args...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	for range o.runs {
		answers, err := closedLoop(ctx, s, n, clientsText, clientsTime)
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

// closedLoop has n clients send requests for a time, each the next one as soon as the last
// is answered. It returns how many answers each client got. The time begins when every
// client has had an answer.
func closedLoop(ctx context.Context, s *server.Server, n, size int, length time.Duration) ([]int64, error) {
	l := client.Start(client.Options{
		Addrs: map[string]string{"tcp": s.Addr}, Groups: slices.Repeat([]client.Group{{Network: "tcp", Keep: true}}, n), Clients: n,
		Request: request(size, true), Timeout: answerTime,
	})
	err := l.AwaitAnswers(ctx, 1)
	answers := make([]int64, n)
	for i, c := range l.Counts {
		answers[i] = -c.Answered()
	}
	if err == nil {
		select {
		case <-time.After(length):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	l.End()
	for i, c := range l.Counts {
		answers[i] += c.Answered()
	}
	if _, lost, why := l.Sums(); lost > 0 {
		err = errors.Join(err, errors.New(why))
	}
	return answers, err
}
