package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
	"github.com/narwhal-server/narwhal/scripts/internal/stats"
)

const coresTrials = 10

// cores measures how much faster a worker answers one long text when it has two
// processors. The two servers take turns. It fails if an answer differs.
func cores(ctx context.Context, o options) (err error) {
	var times [2][]time.Duration
	var servers [2]*server.Server
	for i := range servers {
		if servers[i], err = server.Start(ctx, o.program, 1, "-k", "concurrent", "--gomaxprocs", fmt.Sprint(i+1)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, servers[i].Stop()) }()
	}
	var want []byte
	for range coresTrials {
		for i, s := range servers {
			c := &client.Client{Network: "tcp", Addr: s.Addr, Timeout: answerTime}
			began := time.Now()
			answer, err := c.Ask(ctx, request(longText, false))
			times[i] = append(times[i], time.Since(began))
			c.Close()
			if err != nil {
				return err
			}
			if want == nil {
				want = answer
			} else if !bytes.Equal(answer, want) {
				return errors.New("the answers on one and on two processors differ")
			}
		}
	}
	one, two := stats.Median(times[0]), stats.Median(times[1])
	fmt.Printf("a text of %d kB: %.0f ms on one processor, %.0f on two: %.2f times as fast (medians of %d)\n",
		longText/1000, one.Seconds()*1000, two.Seconds()*1000, one.Seconds()/two.Seconds(), coresTrials)
	return nil
}
