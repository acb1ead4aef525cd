package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

// cell is an event that is repeated on a server under load.
type cell struct {
	variant variant
	groups  []client.Group
	event   event
	times   int
}

// result says what happened to the requests of a cell.
type result struct {
	server, clients, event string
	times                  int
	sent, lost, limit      int64
	why                    string // the errors of the lost requests
	failed                 string // why the event itself failed; "": it did not
	note                   string
	peer                   bool     // of another server than narwhal: it has no limit
	figures                *figures // nil unless the cell is a crowd
}

func (r result) ok() bool { return r.peer || r.failed == "" && r.lost <= r.limit }

// enough is how many requests of each kind of client must be answered before a server
// counts as under load, and after an event.
const enough = 50

// matrix returns the cells. The long form has a cell for each kind of client. The short
// form has all kinds in one cell.
func (r *runner) matrix() (cells []cell) {
	each := [][]client.Group{groups}
	if !r.short {
		each = nil
		for _, g := range groups {
			each = append(each, []client.Group{g})
		}
	}
	for _, v := range r.modes() {
		for _, of := range each {
			for _, e := range append(events, r.mix()) {
				cells = append(cells, cell{v, of, e, e.times(r.short)})
			}
		}
	}
	return cells
}

// modes returns narwhal's modes that this run tries.
func (r *runner) modes() (all []variant) {
	for _, v := range modes {
		if v.short || !r.short {
			all = append(all, v)
		}
	}
	return all
}

// mix returns an event that does one of the events at random, by the seed, while workers
// are recycled.
func (r *runner) mix() event {
	return event{
		name: "mix", long: 30, short: 8, kills: true, args: []string{"--max-requests", "1000", "--max-requests-jitter", "500"},
		do: func(ctx context.Context, s *server, i int) error {
			var of []event
			for _, e := range events {
				if e.name != "recycling" && !e.ends { // recycling goes on all the time
					of = append(of, e)
				}
			}
			e := of[r.random.IntN(len(of))]
			if err := e.do(ctx, s, i); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			return nil
		},
	}
}

// run plays a cell, and adds the result. It fails only if the whole run cannot go on. A
// fault of the server is part of the result, not an error.
func (r *runner) run(ctx context.Context, c cell) error {
	if c.event.ends {
		return r.runEnds(ctx, c)
	}
	s, l, err := r.underLoad(ctx, c.variant, c.groups, c.event.args...)
	if err != nil {
		return err
	}
	out := result{server: c.variant.String(), clients: names(c.groups), event: c.event.name}
	for out.times < c.times {
		if err = c.event.do(ctx, s, out.times); err != nil {
			break
		}
		out.times++
	}
	return r.finish(ctx, s, l, out, err, func() int64 {
		if !c.event.kills {
			return 0
		}
		return mayLose(s, c.groups)
	})
}

// runEnds plays an event that ends the server, with a new server each time.
func (r *runner) runEnds(ctx context.Context, c cell) error {
	out := result{server: c.variant.String(), clients: names(c.groups), event: c.event.name, peer: c.variant.product != narwhal}
	var whys []string
	for out.times < c.times {
		s, l, err := r.underLoad(ctx, c.variant, c.groups, c.event.args...)
		if err != nil {
			return err
		}
		err = c.event.do(ctx, s, out.times)
		l.End()
		sent, lost, why := l.Sums()
		refused := l.Failed(client.NoConnection)
		out.times++
		out.sent += sent - refused
		out.lost += lost - refused
		if lost > refused {
			whys = append(whys, why)
		}
		if left := proc.EndDescendants(); len(left) > 0 {
			err = errors.Join(err, fmt.Errorf("processes left behind: %v", left))
		}
		if err != nil {
			out.failed = err.Error()
		}
		if err != nil || lost > refused && !out.peer {
			s.printLog(r.out)
			break
		}
	}
	out.why = strings.Join(whys, "; ")
	r.add(out)
	return ctx.Err()
}

func names(of []client.Group) string {
	if len(of) == len(groups) {
		return "all kinds"
	}
	var all []string
	for _, g := range of {
		all = append(all, g.String())
	}
	return strings.Join(all, ", ")
}

// underLoad starts a server and clients, and waits until every kind of client has been
// served.
func (r *runner) underLoad(ctx context.Context, v variant, of []client.Group, args ...string) (*server, *client.Load, error) {
	s, err := r.launch(ctx, v, args...)
	if err != nil {
		if s != nil {
			s.printLog(r.out)
		}
		return nil, nil, fmt.Errorf("%s: %w", v, err)
	}
	want, err := ask(ctx, of[0].Network, s.addrs[of[0].Network], query)
	if err != nil {
		s.printLog(r.out)
		return nil, nil, fmt.Errorf("%s: %w", v, err)
	}
	n := clientsAtOnce
	if v.clients > 0 {
		n = v.clients
	}
	var pause time.Duration
	if v.front != nil {
		pause = thinkTime
	}
	l := start(s.addrs, of, n, pause, want)
	if err := l.AwaitAnswers(ctx, enough); err != nil {
		l.End()
		s.printLog(r.out)
		return nil, nil, fmt.Errorf("%s: %w", v, err)
	}
	return s, l, nil
}

// finish waits until enough requests were sent, ends clients and server, and adds the
// result. err is why the event failed, or nil. limit returns how many requests may be
// lost.
func (r *runner) finish(ctx context.Context, s *server, l *client.Load, out result, err error, limit func() int64) error {
	if err == nil {
		err = l.AwaitAnswers(ctx, enough)
	}
	l.End()
	out.limit = limit()
	out.sent, out.lost, out.why = l.Sums()
	err = errors.Join(err, s.stop(ctx))
	if left := proc.EndDescendants(); len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("processes left behind: %v", left))
	}
	switch {
	case err != nil && s.product != narwhal:
		out.note = strings.ReplaceAll(err.Error(), "\n", "; ")
	case err != nil:
		out.failed = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	out.peer = s.product != narwhal
	r.add(out)
	if !out.ok() && ctx.Err() == nil {
		s.printLog(r.out)
	}
	return ctx.Err()
}

var (
	died  = regexp.MustCompile(logevent.WorkerDied.Text() + ` .*status="signal SIGKILL".* connections=(\d+)`)
	ended = regexp.MustCompile(logevent.WorkerCut.Text() + ` .*status="signal SIGKILL"`)
)

// mayLose returns how many requests of clients of these groups may be lost because workers
// were killed: one for each kill. A worker takes a connection only when it can compute its
// request, except beside a long text, and the text of the clients is short. But connections
// that are kept in a worker are lost with it: then it is one for each connection of the
// worker, by the log. The log does not tell the connections of a worker that was leaving
// already: all clients may have been connected to it.
func mayLose(s *server, of []client.Group) (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A proxy keeps its connections for all clients.
	kept := s.front != nil || slices.ContainsFunc(of, func(g client.Group) bool { return g.Keep })
	if !s.pinned || !kept {
		return int64(s.kills)
	}
	for _, line := range s.lines {
		if m := died.FindStringSubmatch(line); m != nil {
			c, _ := strconv.ParseInt(m[1], 10, 64)
			n += c
		} else if ended.MatchString(line) {
			n += clientsAtOnce
		}
	}
	return n
}
