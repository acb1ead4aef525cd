package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

const (
	scrapeWorkers  = 64
	scrapes        = 300
	scrapeInterval = 15 * time.Second // between two scrapes of a Prometheus with the settings of its documentation
)

// scrape measures what an answer of /metrics costs with 64 workers that have all served
// requests, while nobody else asks.
func scrape(narwhal, model string) (err error) {
	ctx := context.Background()
	port, err := proc.FreePort()
	if err != nil {
		return err
	}
	admin := "127.0.0.1:" + strconv.Itoa(port)
	s, err := server.Start(ctx, narwhal, scrapeWorkers, "--model", model, "--admin-bind", admin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	load := client.Start(client.Options{
		Addrs:   map[string]string{"tcp": s.Addr},
		Groups:  []client.Group{{Network: "tcp"}},
		Clients: 2 * scrapeWorkers,
		Request: client.Request("POST", shortText(0)),
	})
	err = load.AwaitAnswers(ctx, 100*scrapeWorkers)
	load.End()
	if err != nil {
		return err
	}
	times := make([]time.Duration, scrapes)
	size := 0
	web := &http.Client{}
	defer web.CloseIdleConnections()
	pids := s.Pids()
	before := proc.Clock(pids...)
	for i := range times {
		began := time.Now()
		r, err := web.Get("http://" + admin + "/metrics")
		if err != nil {
			return err
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != 200 {
			return fmt.Errorf("status %d: %w", r.StatusCode, err)
		}
		times[i], size = time.Since(began), len(body)
	}
	cpu := (proc.Clock(pids...) - before) / scrapes
	slices.Sort(times)
	fmt.Printf("GET /metrics, %d workers: median %.2f ms, p99 %.2f ms, %.2f ms of CPU, %d bytes; one every %s takes %.3f %% of a core\n",
		scrapeWorkers, ms(times[scrapes/2]), ms(times[scrapes*99/100]), ms(cpu), size, scrapeInterval, 100*cpu.Seconds()/scrapeInterval.Seconds())
	return nil
}
