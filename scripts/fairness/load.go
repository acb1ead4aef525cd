// Fairness measures how long requests wait at 70 % load and prints it beside
// what one ideal queue would give: four sync workers that wait 20 ms for each
// request, requests at random times, and a simulated M/D/4 queue with the
// service time of an idle server. A server whose workers have queues of their
// own waits several times longer at the same load.
//
//	go run ./scripts/fairness [-narwhal bin/narwhal] [-time 30s] [-runs 3]
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
)

const (
	workers = 4
	load    = 0.7
)

func main() {
	program := flag.String("narwhal", "bin/narwhal", "the program to measure")
	length := flag.Duration("time", 30*time.Second, "of each run")
	runs := flag.Int("runs", 3, "runs")
	flag.Parse()
	if err := run(*program, *length, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "fairness:", err)
		os.Exit(1)
	}
}

func run(program string, length time.Duration, runs int) error {
	cmd := exec.Command(program, "--bind", "127.0.0.1:0", "--workers", fmt.Sprint(workers), "--delay", "20ms", "--log-level", "warning")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w; `make build` makes it", err)
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(syscall.SIGTERM)
	var url string
	for sc := bufio.NewScanner(out); sc.Scan() && !strings.HasPrefix(sc.Text(), "  stop"); {
		if a, ok := strings.CutPrefix(sc.Text(), "narwhal serves "); ok {
			url = "http://" + a + "/"
		}
	}
	if url == "" {
		return errors.New("the server did not start")
	}

	o := bench.Options{URL: url, Texts: []string{"x"}, DisableKeepAlive: true}
	alone := o
	alone.Connections, alone.Requests = 1, 200
	r, err := measure(alone)
	if err != nil {
		return err
	}
	service := time.Duration(r.Service.ValueAtQuantile(50))
	rate := load * workers / service.Seconds()
	fmt.Printf("%d sync workers, service time %.2f ms, %.1f requests/s = %.0f %% load, %v a run\n",
		workers, ms(service), rate, load*100, length)
	fmt.Println("run   p50 ms   p99 ms   simulated p50   p99   ratio of p99")
	for i := range runs {
		o.Rate, o.Duration, o.MaxInFlight, o.Seed = rate, length, 10000, uint64(i+1)
		r, err := measure(o)
		if err != nil {
			return err
		}
		ideal := bench.IdealQueue(bench.EqualWorkers(workers, service), rate, uint64(i+1), 1_000_000)
		p50, p99 := ideal[len(ideal)/2], ideal[len(ideal)*99/100]
		got := time.Duration(r.Response.ValueAtQuantile(99))
		fmt.Printf("%3d  %7.1f  %7.1f  %14.1f  %4.1f   %.2f\n",
			i+1, ms(time.Duration(r.Response.ValueAtQuantile(50))), ms(got), ms(p50), ms(p99), float64(got)/float64(p99))
	}
	return nil
}

func measure(o bench.Options) (*bench.Report, error) {
	r, err := bench.Run(context.Background(), o)
	if err != nil {
		return nil, err
	}
	if r.OK != r.Requests {
		return nil, fmt.Errorf("%d of %d requests failed: %v", r.Requests-r.OK, r.Requests, r.FirstError)
	}
	return r, nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
