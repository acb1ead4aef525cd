package main

import (
	"context"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/server"
)

// class is a mode of narwhal.
type class struct {
	name string
	args []string
	keep bool // connections are kept
}

var classes = []class{
	{"sync", []string{"-k", "sync"}, false},
	{"concurrent, pinned", []string{"-k", "concurrent", "--keep-alive-mode", "pinned"}, true},
	{"concurrent, parked", []string{"-k", "concurrent", "--keep-alive-mode", "parked"}, true},
}

// classes returns the classes to measure.
func (o options) classes() []class {
	if o.only == "" {
		return classes
	}
	return slices.DeleteFunc(slices.Clone(classes), func(c class) bool { return c.name != o.only })
}

// settled waits until the workers have no request and have answered at least n. It returns
// how many requests each has answered, by pid.
func settled(ctx context.Context, s *server.Server, n uint64) (map[int]uint64, error) {
	for {
		status, err := s.Master.Status(ctx)
		if err != nil {
			return nil, err
		}
		all, sum, busy := map[int]uint64{}, uint64(0), 0
		for _, w := range status.Workers {
			all[w.Pid] = w.Requests
			sum += w.Requests
			busy += w.InFlight
		}
		if sum >= n && busy == 0 {
			return all, nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
