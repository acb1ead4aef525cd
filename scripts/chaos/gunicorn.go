package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

var gunicorn = &product{
	name:    "Gunicorn",
	ready:   regexp.MustCompile(`application ready in (\d+)`), // app.py says so
	start:   startGunicorn,
	upgrade: upgradeGunicorn,
}

// beside are the servers of the comparison, each with its kinds of clients. A sync worker
// closes every connection, so clients that keep connections make no difference to it.
var beside = []struct {
	variant
	of []client.Group
}{
	{modes[0], []client.Group{tcpNew}},
	{modes[1], []client.Group{tcpNew, tcpKept}},
	{variant{product: gunicorn, name: "sync", args: []string{"-k", "sync"}}, []client.Group{tcpNew}},
	{variant{product: gunicorn, name: "sync --reuse-port", args: []string{"-k", "sync", "--reuse-port"}}, []client.Group{tcpNew}},
	{variant{product: gunicorn, name: "gthread", args: []string{"-k", "gthread", "--threads", "4"}}, []client.Group{tcpNew, tcpKept}},
	{variant{product: gunicorn, name: "gthread --reuse-port", args: []string{"-k", "gthread", "--threads", "4", "--reuse-port"}}, []client.Group{tcpNew, tcpKept}},
}

// peers lists the cells of the comparison.
func (r *runner) peers() (cells []cell) {
	for _, b := range beside {
		for _, g := range b.of {
			for _, e := range events {
				cells = append(cells, cell{b.variant, []client.Group{g}, e, e.times(r.short)})
			}
		}
	}
	return cells
}

func startGunicorn(r *runner, v variant, args []string) (*exec.Cmd, map[string]string, error) {
	port, err := proc.FreePort() // not port 0: with --reuse-port every worker binds, and each would get another
	if err != nil {
		return nil, nil, err
	}
	bin, err := filepath.Abs(filepath.Join(r.venv, "bin"))
	if err != nil {
		return nil, nil, err
	}
	all := []string{filepath.Join(bin, "gunicorn"), "-w", strconv.Itoa(workers), "-b", fmt.Sprint("127.0.0.1:", port),
		"--no-control-socket", "--pythonpath", "scripts/chaos"}
	all = append(append(append(all, v.args...), args...), "app:app")
	cmd := exec.Command(filepath.Join(bin, "python"), all...)
	cmd.Env = proc.Environ()
	return cmd, map[string]string{"tcp": fmt.Sprint("127.0.0.1:", port)}, nil
}

var gunicornMaster = regexp.MustCompile(`\[(\d+)\] \[INFO\] Starting gunicorn`)

// upgradeGunicorn follows Gunicorn's documentation: USR2, and when the new master's
// workers serve, TERM to the old master.
func upgradeGunicorn(ctx context.Context, s *server) error {
	before, old := s.workers(), s.pid
	promoted := s.count("Master has been promoted")
	if err := s.newMaster(ctx, gunicornMaster); err != nil {
		return err
	}
	if err := s.await(ctx, "the new master's workers", func() bool { return len(s.alive) == 2*workers }); err != nil {
		s.pid = old
		return errors.Join(errors.New("the new master did not start"), err)
	}
	if err := s.signal(old, syscall.SIGTERM); err != nil {
		return err
	}
	if err := s.replaced(ctx, before); err != nil {
		return err
	}
	return s.awaitSaid(ctx, promoted+1, "Master has been promoted") // until then it ignores USR2
}
