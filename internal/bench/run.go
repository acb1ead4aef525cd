package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Run sends the requests and returns a report. An error means that no request was sent:
// the options are wrong, the address is not allowed, or there are too many connections.
// Errors of requests are in the report.
//
// When ctx ends, Run begins no more requests. The requests in flight may finish within
// Options.Drain, and are counted. So if no request has failed or is unfinished, none was
// lost. When Run returns, its connections are closed and its goroutines have ended.
func Run(ctx context.Context, o Options) (*Report, error) {
	r, err := prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Rate > 0 {
		nap, err := newNap()
		if err != nil {
			return nil, err
		}
		defer nap.Close()
		r.nap = nap.sleep
	}
	return r.measure(ctx), nil
}

// prepare does everything that can fail before the first request.
func prepare(ctx context.Context, o Options) (*run, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := findTarget(ctx, &o)
	if err != nil {
		return nil, err
	}
	limit, err := fileLimit()
	if err != nil {
		return nil, err
	}
	if err := checkFiles(o.connections(), limit); err != nil {
		return nil, err
	}
	return newRun(t, o)
}

// run is one call of Run.
type run struct {
	o        Options
	target   *target
	requests []request // one for each text

	// Tests replace dial. nap waits for times that are too short for a timer.
	dial func() (c conn, wait func() error, err error)
	nap  func(time.Duration)

	tally   *tally
	checker *checker     // nil without Check
	number  atomic.Int64 // of the next request

	stop    chan struct{} // closed: begin no more requests
	stopped atomic.Bool   // the same, but cheaper to read
	aborted atomic.Bool   // give up the requests in flight, too

	mu   sync.Mutex
	open map[conn]struct{}
}

func newRun(t *target, o Options) (*run, error) {
	r := &run{
		o:      o,
		target: t,
		dial:   t.dial,
		nap:    time.Sleep,
		tally:  newTally(o.mode()),
		stop:   make(chan struct{}),
		open:   map[conn]struct{}{},
	}
	if o.Check {
		r.checker = newChecker(len(o.Texts))
	}
	for i, text := range o.Texts {
		req, err := makeRequest(t, &o, text)
		if err != nil {
			return nil, wrong("text %d: %v", i+1, err)
		}
		r.requests = append(r.requests, req)
	}
	return r, nil
}

// measure runs the trials and returns the report. Beside them it watches ctx and calls
// Options.Progress.
func (r *run) measure(ctx context.Context) *Report {
	began, cpu := time.Now(), cpuTime()
	done := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() { r.watch(ctx, done) })
	if r.o.Progress != nil {
		beside.Go(func() { r.progress(began, done) })
	}

	switch r.o.mode() {
	case ModeOpen:
		r.openLoop()
	default:
		for range r.o.Trials {
			r.trial()
		}
	}

	close(done)
	beside.Wait()
	report := &r.tally.r
	report.Target, report.Load = r.target.describe(r.o.Method), r.o.load()
	report.CPU = cpuTime() - cpu
	report.Interrupted = r.stopped.Load()
	if r.checker != nil {
		report.Checked = true
		report.Answers, report.Difference = r.checker.answers(), r.checker.difference
	}
	if r.o.Progress != nil {
		p := r.tally.progress(time.Since(began))
		p.Done = true
		r.o.Progress(p)
	}
	return report
}

// watch ends the run when ctx ends. Then no more requests begin. After Drain, watch gives
// up the requests in flight.
func (r *run) watch(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	r.stopped.Store(true)
	close(r.stop)

	patience := time.NewTimer(r.o.Drain)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
		r.abort()
	}
}

// progress calls Options.Progress every 100 ms until done is closed.
func (r *run) progress(began time.Time, done <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			r.o.Progress(r.tally.progress(time.Since(began)))
		}
	}
}

// one sends a request and counts its outcome. intended is the time at which the request
// should have been sent. In a closed loop it is the time at which one is called.
func (r *run) one(c *client, intended time.Time) error {
	number := int(r.number.Add(1) - 1)
	index := number % len(r.requests)
	sent := time.Now()
	out := c.do(&r.requests[index], number, sent)
	done := time.Now()
	if out.err != nil && r.aborted.Load() && kindOf(out.err) == ErrTimeout {
		r.tally.giveUp(&out)
		return out.err
	}
	var wrong error
	if r.checker != nil && out.err == nil && out.status == 200 {
		wrong = r.checker.check(r.o.Texts, index, number, out.body)
	}
	r.tally.add(&out, wrong, intended, sent, done)
	return out.err
}

// opened adds a connection to those that abort cuts off, and closed removes it.
func (r *run) opened(c conn) {
	r.mu.Lock()
	r.open[c] = struct{}{}
	r.mu.Unlock()
}

func (r *run) closed(c conn) {
	r.mu.Lock()
	delete(r.open, c)
	r.mu.Unlock()
}

// past is a deadline that lets every read and write return at once.
var past = time.Unix(1, 0)

// setDeadline sets the deadline and then reads aborted. abort does the two in the other
// order, so at least one of them sees what the other did.
func (r *run) setDeadline(c conn, deadline time.Time) error {
	err := c.SetDeadline(deadline)
	if r.aborted.Load() {
		err = c.SetDeadline(past)
	}
	return err
}

// abort ends the requests in flight: their reads and writes return at once.
func (r *run) abort() {
	r.aborted.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		c.SetDeadline(past)
	}
}

// cpuTime returns the processor time that this process has used.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// connectFailed reports whether a request failed because there was no connection.
func connectFailed(err error) bool {
	var f failedConnect
	return errors.As(err, &f)
}
