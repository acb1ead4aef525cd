package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/scripts/internal/client"
)

// fault is something that breaks. Meanwhile the rest of the server must serve every kind
// of client. Afterwards the server must recover by itself.
type fault struct {
	name   string
	groups []client.Group // nil: all
	args   []string
	file   string // text of the configuration file at the start
	own    bool   // the server gets a program file of its own, which do may replace
	// do breaks something, and waits until the server has noticed and recovered. limit
	// is how many requests may have been lost.
	do func(ctx context.Context, s *trial) (limit int64, err error)
}

// trial is a server with a fault, under load.
type trial struct {
	*server
	load *client.Load
	file string // path of the configuration file
}

// served waits until every kind of client has got enough more answers.
func (t *trial) served(ctx context.Context) error { return t.load.AwaitAnswers(ctx, enough) }

// configure writes text to the configuration file, and reloads.
func (t *trial) configure(ctx context.Context, text string) error {
	if err := os.WriteFile(t.file, []byte(text), 0o600); err != nil {
		return err
	}
	return reload(ctx, t.server, 0)
}

// longTimeout is --timeout at the start of longText. On a fast machine longText shortens
// it.
const longTimeout = 2 * time.Second

var faults = []fault{
	{name: "HUP, broken file", do: brokenFile},
	{name: "USR2, broken program", own: true, do: brokenProgram},
	{name: "crash loop", do: crashLoop},
	{name: "SIGSTOP of a worker", args: []string{"--timeout", "2s"}, do: stoppedWorker},
	{name: "request without end", file: fmt.Sprintf("timeout = %q\n", longTimeout), do: longText},
	{name: "clients that stall", do: stalledClients},
	// TCP only: on a unix socket a full queue makes a non-blocking connect fail (EAGAIN).
	{name: "full backlog", groups: []client.Group{tcpNew}, args: []string{"--backlog", "4"}, do: fullBacklog},
}

// play plays a fault on a server, and adds the result. It fails only if the whole run
// cannot go on.
func (r *runner) play(ctx context.Context, v variant, f fault) error {
	file := r.path(".toml")
	if err := os.WriteFile(file, []byte(f.file), 0o600); err != nil {
		return err
	}
	if f.own {
		v.program = filepath.Join(r.dir, fmt.Sprint(r.names), "narwhal")
		if err := os.Mkdir(filepath.Dir(v.program), 0o700); err != nil {
			return err
		}
		if err := os.Symlink(r.narwhal, v.program); err != nil {
			return err
		}
	}
	of := f.groups
	if of == nil {
		of = groups
	}
	s, l, err := r.underLoad(ctx, v, of, append(f.args, "-c", file)...)
	if err != nil {
		return err
	}
	limit, err := f.do(ctx, &trial{s, l, file})
	out := result{server: v.String(), clients: names(of), event: f.name, times: 1}
	return r.finish(ctx, s, l, out, err, func() int64 { return limit })
}

// brokenFile reloads with configurations that are wrong, and with one with which no
// worker can start.
func brokenFile(ctx context.Context, t *trial) (int64, error) {
	before := fmt.Sprint(t.workers())
	for i, text := range []string{`workers = "many"`, "workers = \n", `exclude = ["nothing"]`} {
		if err := os.WriteFile(t.file, []byte(text), 0o600); err != nil {
			return 0, err
		}
		if err := t.signal(t.pid, syscall.SIGHUP); err != nil {
			return 0, err
		}
		if err := t.awaitSaid(ctx, i+1, logevent.ReloadFailed.Text()); err != nil {
			return 0, err
		}
		if err := t.served(ctx); err != nil {
			return 0, err
		}
	}
	if after := fmt.Sprint(t.workers()); before != after {
		return 0, fmt.Errorf("the workers were %s, and are %s", before, after)
	}
	return 0, t.configure(ctx, "")
}

// brokenProgram sends USR2 while the program on disk is missing, is no program, is
// another program, or says nothing.
func brokenProgram(ctx context.Context, t *trial) (int64, error) {
	program := t.program
	put := func(script string) error {
		if err := os.Remove(program); err != nil && !os.IsNotExist(err) {
			return err
		}
		if script == "" {
			return nil
		}
		return os.WriteFile(program, []byte(script), 0o700)
	}
	before := fmt.Sprint(t.workers())
	scripts := []string{"", "no program\n", "#!/bin/sh\nexit 0\n", "#!/bin/sh\necho broken >&2\nexit 1\n", "#!/no/such/interpreter\n"}
	if !t.r.short {
		scripts = append(scripts, "#!/bin/sh\nexec sleep 600\n")
	}
	for i, script := range scripts {
		if err := put(script); err != nil {
			return 0, err
		}
		if err := t.signal(t.pid, syscall.SIGUSR2); err != nil {
			return 0, err
		}
		err := t.await(ctx, fmt.Sprintf("the failure of %q", script), func() bool {
			return t.said(logevent.UpgradeRefused.Text())+t.said(logevent.UpgradeFailed.Text()) > i
		})
		if err != nil {
			return 0, err
		}
		if err := t.served(ctx); err != nil {
			return 0, err
		}
	}
	if after := fmt.Sprint(t.workers()); before != after {
		return 0, fmt.Errorf("the workers were %s, and are %s", before, after)
	}
	if err := put(""); err != nil {
		return 0, err
	}
	if err := os.Symlink(t.r.narwhal, program); err != nil {
		return 0, err
	}
	return 0, t.product.upgrade(ctx, t.server)
}

var readyFirst = regexp.MustCompile(logevent.WorkerReady.Text() + ` worker=1 worker_pid=(\d+)`)

// crashLoop kills the worker of one slot as soon as it serves, until the master waits
// before it starts the next one.
func crashLoop(ctx context.Context, t *trial) (int64, error) {
	const deaths = 5
	for i := range deaths {
		pid, err := t.awaitPid(ctx, "the first slot to be filled", readyFirst, i)
		if err != nil {
			return 0, err
		}
		t.kills++
		if err := t.signal(pid, syscall.SIGKILL); err != nil {
			return 0, err
		}
		if err := t.awaitSaid(ctx, i+1, logevent.WorkerDied.Text()); err != nil {
			return 0, err
		}
	}
	if err := t.served(ctx); err != nil { // by the workers of the other slots
		return 0, err
	}
	if t.count(logevent.WorkerDiesOften.Text()) == 0 {
		return 0, fmt.Errorf("after %d deaths in a row the master made nobody wait", deaths)
	}
	err := t.replaced(ctx, nil)
	return mayLose(t.server, groups), err
}

// stoppedWorker stops a worker with SIGSTOP. The master must notice, abort the worker and
// replace it. The requests that the worker computed are lost.
func stoppedWorker(ctx context.Context, t *trial) (int64, error) {
	victim := t.workers()[0]
	if err := t.signal(victim, syscall.SIGSTOP); err != nil {
		return 0, err
	}
	limit := int64(1)
	if !t.sync {
		limit = clientsAtOnce // all clients may have been connected to the worker
	}
	// Only the kept connections of a concurrent worker wait for it.
	for _, c := range t.load.Counts {
		if t.sync || !c.Keep {
			if err := c.AwaitAnswers(ctx, enough); err != nil {
				return limit, err
			}
		}
	}
	if err := t.replaced(ctx, []int{victim}); err != nil {
		return limit, err
	}
	// On a machine with other work, other workers may be late as well.
	others := t.count(logevent.RequestHung.Text()) + t.count(logevent.WorkerSilent.Text()) - 1
	limit += int64(clientsAtOnce*others) + t.load.Failed("status 504")
	if _, _, why := t.load.Sums(); strings.Contains(why, os.ErrDeadlineExceeded.Error()) {
		return limit, fmt.Errorf("clients waited for %v: the worker was found too late", client.AnswerTime)
	}
	return limit, nil
}

// longText sends a request that takes longer than --timeout. It must get a 504, or its
// worker must be replaced. Other requests must be served meanwhile.
//
// How long the text takes depends on the machine. If it is answered in time, longText
// halves --timeout, reloads, and sends the text again.
//
// On a machine with other work, ordinary requests may take longer than --timeout as well.
// The server tells so for each, and they do not count as lost.
func longText(ctx context.Context, t *trial) (int64, error) {
	const shortest = 10 * time.Millisecond
	long := request(strings.Repeat(text+" ", 12000))
	timeout := longTimeout
	for refused := 0; refused < 3; {
		_, err := ask(ctx, "tcp", t.addrs["tcp"], long)
		switch {
		case err == nil && timeout < 2*shortest:
			return 0, fmt.Errorf("%d bytes were answered within --timeout %v: the text should be longer", len(long), timeout)
		case err == nil:
			timeout /= 2
			if err := t.configure(ctx, fmt.Sprintf("timeout = %q\n", timeout)); err != nil {
				return 0, err
			}
		case err.Error() != "status 504" && t.count(logevent.RequestHung.Text()) == 0:
			return 0, fmt.Errorf("%d bytes, with --timeout %v: %w; want status 504, or the worker replaced", len(long), timeout, err)
		default:
			refused++
		}
		if err := t.served(ctx); err != nil {
			return 0, err
		}
	}
	err := t.replaced(ctx, nil)
	over := t.count(logevent.RequestHung.Text(), fmt.Sprintf("size=%d ", len(client.Body(text)))) + clientsAtOnce*t.count(logevent.WorkerSilent.Text())
	return int64(over) + t.load.Failed("status 504"), err
}

// stalledClients connects more clients than there are places. They send nothing, or only
// a part of a request.
func stalledClients(ctx context.Context, t *trial) (int64, error) {
	const stalled = 64
	for i := range stalled {
		network := groups[i%len(groups)].Network
		c, err := net.Dial(network, t.addrs[network])
		if err != nil {
			return 0, fmt.Errorf("connect: %w", client.Cause(err))
		}
		defer c.Close()
		if _, err := c.Write(query[:i*(len(query)-1)/stalled]); err != nil {
			return 0, fmt.Errorf("send: %w", client.Cause(err))
		}
	}
	return 0, t.served(ctx)
}

// fullBacklog has many more clients than the accept queue holds. The kernel then drops
// SYN packets, and clients try again. A reload must work meanwhile.
func fullBacklog(ctx context.Context, t *trial) (int64, error) {
	if err := reload(ctx, t.server, 0); err != nil {
		return 0, err
	}
	return 0, t.served(ctx)
}
