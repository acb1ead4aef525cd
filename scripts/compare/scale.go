package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
	"github.com/narwhal-server/narwhal/scripts/internal/waiting"
)

// scalePlan says how narwhal concurrent and the best server in Python are measured while
// one quantity grows. Only narwhal has threads.
type scalePlan struct {
	each        time.Duration // of one measurement
	lengths     []int         // bytes of a text
	workers     []int
	connections []int // kept connections, each with one request after the other
	threads     []int // requests that compute at the same time in one worker
}

// scaled is one measurement: a server under a closed loop.
type scaled struct {
	x         int     // the value of the quantity that grows
	perSecond float64 // right answers a second
	p50, p99  float64 // seconds from sending to the answer
	cpu       float64 // of the server, seconds for one answer
	mb        float64 // memory of all its processes under the load
	failed    int
}

// scaling has the measurements of one quantity that grows.
type scaling struct {
	what   string // the quantity, such as "bytes"
	series []scaledSeries
}

type scaledSeries struct {
	name   string
	points []scaled
}

// grow puts the value v into the server's flags or the load, and returns the number of
// workers.
type grow func(k *kind, v int, o *bench.Options) (workers int)

// scaleTimeout is how long a request of these measurements may take.
const scaleTimeout = 60 * time.Second

func (h *harness) scales(ctx context.Context) error {
	p := h.plan.scale
	best, _ := h.best(true, sweepKey)
	pair := []kind{kindOf("narwhal concurrent"), kindOf(best)}
	wide := slices.Clone(pair)
	for i := range wide {
		wide[i].connections = 2 * max(connections, slices.Max(p.connections))
	}
	for _, g := range []struct {
		what   string
		kinds  []kind
		values []int
		use    grow
	}{
		{"bytes", pair, p.lengths, func(_ *kind, v int, o *bench.Options) int {
			o.Texts, o.Connections = textsOf(v, 20), 4*sweepWorkers
			return sweepWorkers
		}},
		{"workers", pair, p.workers, func(_ *kind, v int, o *bench.Options) int {
			o.Connections = 32
			return v
		}},
		{"connections", wide, p.connections, func(_ *kind, v int, o *bench.Options) int {
			o.Connections = v
			return sweepWorkers
		}},
		{"threads", pair[:1], p.threads, func(k *kind, v int, o *bench.Options) int {
			k.args = append(slices.Clone(k.args), "--threads", strconv.Itoa(v))
			o.Connections = 16
			return 1
		}},
	} {
		s := scaling{what: g.what}
		for _, k := range g.kinds {
			one := scaledSeries{name: k.name}
			if err := h.scaleSeries(ctx, g.what, k, g.values, g.use, &one); err != nil {
				return fmt.Errorf("by %s, %s: %w", g.what, k.name, err)
			}
			s.series = append(s.series, one)
		}
		h.results.scales = append(h.results.scales, s)
	}
	return nil
}

func (h *harness) scaleSeries(ctx context.Context, what string, k kind, values []int, use grow, to *scaledSeries) error {
	r := running{h: h}
	defer r.stop()
	for _, v := range values {
		k, o := k, bench.Options{Texts: h.texts[1:]}
		workers := use(&k, v, &o)
		s, err := r.server(ctx, k, workers)
		if err != nil {
			return err
		}
		point, err := h.scaleOne(ctx, s, o)
		if err != nil {
			return fmt.Errorf("%d: %w", v, err)
		}
		point.x = v
		to.points = append(to.points, *point)
		h.step("scale     %5d %-11s  %-24s %.1f requests/s, p99 %.0f ms, %.2f ms of CPU each, %.0f MB, %d failed",
			v, what, k.name, point.perSecond, point.p99*1000, point.cpu*1000, point.mb, point.failed)
	}
	return nil
}

// running is the server of a series. It is replaced only when it needs other flags.
type running struct {
	h       *harness
	s       *server
	workers int
}

// server returns a server that has answered requests before, so that its memory is that
// under the load.
func (r *running) server(ctx context.Context, k kind, workers int) (s *server, err error) {
	if r.s != nil && r.workers == workers && slices.Equal(r.s.args, k.args) {
		return r.s, nil
	}
	r.stop()
	if r.s, err = r.h.startServer(ctx, k, workers, false); err != nil {
		r.s = nil
		return nil, err
	}
	r.workers = workers
	_, err = r.h.benchTrial(ctx, r.s.url, load{first: 0, count: len(r.h.texts)}, 10*workers)
	return r.s, err
}

func (r *running) stop() {
	if r.s != nil {
		r.s.stop()
	}
	r.s = nil
}

// scaleOne measures one load.
func (h *harness) scaleOne(ctx context.Context, s *server, o bench.Options) (*scaled, error) {
	o.URL, o.Duration, o.Timeout, o.Drain = s.url, h.plan.scale.each, scaleTimeout, time.Second

	pids := proc.Tree(s.proc.Pid)
	before := proc.CPU(pids...)
	memory := make(chan int64, 1)
	time.AfterFunc(o.Duration*3/4, func() {
		n, _ := proc.PSS(pids...)
		memory <- n
	})
	r, err := waiting.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	one := &scaled{
		perSecond: r.PerSecond(), p50: r.Percentile(50).Seconds(), p99: r.Percentile(99).Seconds(),
		mb: float64(<-memory) / 1e6, failed: r.Failed(),
	}
	if r.OK > 0 {
		one.cpu = (proc.CPU(pids...) - before).Seconds() / float64(r.OK)
	}
	return one, nil
}

// textsOf returns n different texts of length bytes, or a few bytes less.
func textsOf(length, n int) []string {
	more := makeTexts(n * (1 + length/(paragraphLength-60)))
	per := len(more) / n
	texts := make([]string, n)
	for i := range texts {
		text := strings.Join(more[i*per:(i+1)*per], " ")
		texts[i] = text[:1+strings.LastIndexByte(text[:length], ' ')]
	}
	return texts
}
