package supervisor

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent/logeventtest"
	"github.com/narwhal-server/narwhal/internal/wire"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// TestStories tells the life of a master in virtual time with fake workers.
// A story in testdata is a list of commands, a line ----, and what the master
// did in answer. Workers are named wSLOT.AGE. go test -update rewrites the
// answers: review the difference.
//
//	start workers=2 timeout=10s …   options of the master
//	start … systemd | watchdog=20s  systemd listens, and has a watchdog
//	w1.1 ready | fails TEXT | worn | settles | exit N | dies SIGNAL
//	w1.1 runs 31s in_flight=2       its oldest request is now 31 s old
//	w1.1 answers 100                it has answered 100 requests more
//	w1.1 silent 31s                 its last beat was 31 s ago; also: runs 31s silent=31s
//	signal HUP
//	reload workers=3 | reload error TEXT    what the next reload gets
//	exec fails TEXT                 the next start of a worker fails
//	exec fails always TEXT | works  every start of a worker fails, until exec works
//	queue full | queue empty        the accept queue
//	upgrade fails TEXT              the next start of a new master fails
//	new begins 10s | ready | fails TEXT | ends | deaf     what the new master does
//	start old …                     the story is about the new master of an upgrade
//	old leaves | dies               what the old master does
//	ask reload | scale 3 | stop | stop quick | status    over the control socket
//	w1.1 weighs 100                 it has 100 bytes of memory
//	wait 10s
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = tell(t, string(want)) })
			if got == string(want) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("the story goes differently:\n%s\n(go test -update rewrites it)", firstDifference(string(want), got))
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			from := max(i-4, 0)
			return fmt.Sprintf("line %d\nwant:\n%s\ngot:\n%s", i+1, strings.Join(w[min(from, len(w)):min(i+6, len(w))], "\n"), strings.Join(g[from:min(i+6, len(g))], "\n"))
		}
	}
	return "it ends early"
}

// tell plays a story, and returns it with the answers that the master gave.
func tell(t *testing.T, story string) string {
	st := &stage{t: t, ready: new(atomic.Bool), signals: signals{stop: make(chan os.Signal, 32), other: make(chan os.Signal, 32)}, procs: map[string]*fake{}}
	var out strings.Builder
	answering := false
	lines := strings.Split(strings.TrimSuffix(story, "\n"), "\n")
	for _, line := range lines {
		switch {
		case answering && line == "":
			answering = false // and the blank line after the answer is kept
		case answering:
			continue
		case line == "----":
			out.WriteString("----\n")
			st.settle()
			for _, l := range st.take() {
				out.WriteString(l + "\n")
			}
			answering = true
			continue
		}
		out.WriteString(line + "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			st.do(line)
		}
	}
	st.end()
	return out.String()
}

// stage is where a story is played.
type stage struct {
	t       *testing.T
	m       *master
	ready   *atomic.Bool
	was     bool
	signals signals
	cancel  context.CancelFunc
	done    chan struct{}

	reload     func(Options) (Options, error)
	full       atomic.Bool // the accept queue is full
	execFails  error       // of the next start of a worker
	execBroken bool        // execFails is the error of every start
	noUpgrade  error
	newMaster  *fakeNewMaster
	old        oldMasterProcess // nil unless the story is about the new master
	asked      []asked          // commands without an outcome yet
	systemd    systemd

	mu    sync.Mutex
	procs map[string]*fake
	said  []string
}

func (st *stage) say(format string, args ...any) {
	st.mu.Lock()
	st.said = append(st.said, fmt.Sprintf(format, args...))
	st.mu.Unlock()
}

func (st *stage) settle() {
	synctest.Wait()
	st.hear()
	if now := st.ready.Load(); now != st.was {
		st.was = now
		st.say("ready: %v", now)
	}
}

func (st *stage) take() []string {
	st.mu.Lock()
	defer st.mu.Unlock()
	said := st.said
	st.said = nil
	return said
}

func (st *stage) do(line string) {
	f := strings.Fields(line)
	rest := strings.TrimSpace(strings.TrimPrefix(line, f[0]))
	switch {
	case f[0] == "start":
		st.start(rest)
	case f[0] == "wait":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			st.t.Fatalf("%s: %v", line, err)
		}
		time.Sleep(d)
	case f[0] == "signal":
		switch s := unix.SignalNum("SIG" + f[1]); s {
		case unix.SIGTERM, unix.SIGINT, unix.SIGQUIT:
			st.signals.stop <- s
		default:
			st.signals.other <- s
		}
	case f[0] == "reload" && f[1] == "error":
		text := strings.TrimSpace(strings.TrimPrefix(rest, "error"))
		st.reload = func(Options) (Options, error) { return Options{}, errors.New(text) }
	case f[0] == "reload":
		st.reload = func(o Options) (Options, error) { st.set(&o, rest); return o, nil }
	case f[0] == "upgrade":
		st.noUpgrade = errors.New(strings.TrimPrefix(rest, "fails "))
	case f[0] == "new":
		st.newMaster.do(f[1], strings.Join(f[2:], " "))
	case f[0] == "old" && f[1] == "leaves":
		st.m.events <- event{from: fromOldMaster, msg: wire.Message{Kind: wire.Own}}
	case f[0] == "old":
		st.m.events <- event{from: fromOldMaster, exited: true}
	case f[0] == "ask":
		st.ask(rest)
	case f[0] == "queue":
		st.full.Store(f[1] == "full")
	case f[0] == "exec":
		why, always := strings.CutPrefix(strings.TrimPrefix(rest, "fails "), "always ")
		st.mu.Lock()
		st.execFails, st.execBroken = errors.New(why), always
		if f[1] == "works" {
			st.execFails = nil
		}
		st.mu.Unlock()
	default:
		st.mu.Lock()
		p := st.procs[f[0]]
		st.mu.Unlock()
		if p == nil {
			st.t.Fatalf("what is %q?", line)
		}
		p.do(st, f[1], strings.Join(f[2:], " "))
	}
	synctest.Wait()
}

func (st *stage) set(o *Options, text string) {
	for _, kv := range strings.Fields(text) {
		k, v, _ := strings.Cut(kv, "=")
		n, _ := strconv.Atoi(v)
		d, _ := time.ParseDuration(v)
		switch k {
		case "workers":
			o.Workers = n
		case "timeout":
			o.Timeout = d
		case "boot_timeout":
			o.BootTimeout = d
		case "graceful_timeout":
			o.GracefulTimeout = d
		case "drain_delay":
			o.DrainDelay = d
		case "max_worker_age":
			o.MaxWorkerAge = d
		case "max_worker_memory":
			o.MaxWorkerMemory = int64(n)
		case "bind":
			o.Bind = []string{v}
		case "socket_mode":
			o.SocketMode = v
		case "backlog":
			o.Backlog = n
		case "admin_bind":
			o.Admin = v
		case "pid":
			o.Pid = v
		case "control_socket":
			o.Control = v
		case "statsd_host":
			o.Statsd = v
		case "statsd_prefix":
			o.StatsdPrefix = v
		case "systemd", "watchdog":
			st.systemd = systemd{
				send:     st.notified,
				barrier:  func() error { st.say("systemd has read it all"); return nil },
				watchdog: d / 2,
			}
		default:
			st.t.Fatalf("what option is %q?", kv)
		}
	}
}

// notified is systemd's end of the notify socket. It hides the value of MONOTONIC_USEC,
// which does not follow the story's clock.
func (st *stage) notified(message string) error {
	text := regexp.MustCompile(`MONOTONIC_USEC=\d+`).ReplaceAllString(message, "MONOTONIC_USEC=…")
	st.say("systemd <- %s", strings.ReplaceAll(text, "\n", " | "))
	return nil
}

func (st *stage) start(text string) {
	o := Options{GOMAXPROCS: 1, Log: slog.New(&storyLog{st: st})}
	text, isNew := strings.CutPrefix(text, "old ")
	st.set(&o, text)
	o.Reload = func() (Options, error) {
		next := st.m.gen.o
		if st.reload != nil {
			return st.reload(next)
		}
		return next, nil
	}
	o.Started = func([]string, string) { st.say("started") }
	m, err := newMaster(o, st, []wire.Listener{{Addr: "127.0.0.1:5000", Ours: true}}, newInbox(st.signals), st.ready)
	if err != nil {
		st.t.Fatal(err)
	}
	m.bug = func(err error) { st.t.Errorf("bug: %v", err); st.say("BUG %v", err) }
	m.random = func() float64 { return 0.5 }
	m.pid = 7
	if isNew {
		st.old = fakeOldMaster{st}
	}
	st.m = m
	ctx, cancel := context.WithCancel(context.Background())
	st.cancel = cancel
	st.done = make(chan struct{})
	go func() {
		defer close(st.done)
		if err := m.run(ctx); err != nil {
			st.say("master exits: %v", err)
		} else {
			st.say("master exits")
		}
	}()
}

// end ends the master and its workers, if the story has not done so.
func (st *stage) end() {
	st.cancel()
	for {
		synctest.Wait()
		select {
		case <-st.done:
			return
		default:
		}
		st.mu.Lock()
		var names []string
		for n, p := range st.procs {
			if !p.dead {
				names = append(names, n)
			}
		}
		st.mu.Unlock()
		sort.Strings(names)
		if n := st.newMaster; n != nil && !n.gone {
			n.do("ends", "")
		}
		for _, n := range names {
			st.procs[n].do(st, "exit", "0")
		}
	}
}

// The stage implements system, for its master.
func (st *stage) Start(h wire.HelloMessage, env []string, events chan<- event) (process, error) {
	st.mu.Lock()
	err := st.execFails
	if !st.execBroken {
		st.execFails = nil
	}
	st.mu.Unlock()
	if err != nil {
		return nil, err
	}
	p := &fake{st: st, name: fmt.Sprintf("w%d.%d", h.Slot, h.Age), age: h.Age, events: events}
	st.mu.Lock()
	st.procs[p.name] = p
	st.mu.Unlock()
	st.say("exec %s generation %d", p.name, h.Generation)
	return p, nil
}

func (st *stage) OldMaster(chan<- event) oldMasterProcess { return st.old }
func (st *stage) StartService(inbox) systemd              { return st.systemd }

func (st *stage) Refuse()     { st.say("newcomers are refused") }
func (st *stage) Parked() int { return 0 }
func (st *stage) EndParking(linger time.Duration) {
	st.say("parked connections end in %v", linger)
}
func (st *stage) Reap(func(int) bool) {}
func (st *stage) Queues() []queue {
	q := queue{Address: "127.0.0.1:5000", Limit: 2048}
	if st.full.Load() {
		q.Waiting = 2049
	}
	return []queue{q}
}

// storyLog writes warnings, errors and the course of reloads into the story.
type storyLog struct {
	slog.Handler
	st *stage
}

var quiet = regexp.MustCompile(`^(worker starting|worker ready|worker left|signal|listening|stopped|stopping)$`)

// checkEvent fails unless a line is an event of the table, with its level and fields.
func checkEvent(r slog.Record) error {
	fields := map[string]string{}
	r.Attrs(func(a slog.Attr) bool {
		fields[a.Key] = a.Value.String()
		return true
	})
	return logeventtest.Check(r.Level, fields)
}

func (h *storyLog) Enabled(context.Context, slog.Level) bool { return true }
func (h *storyLog) Handle(_ context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo {
		return nil
	}
	if err := checkEvent(r); err != nil {
		h.st.t.Errorf("%s: %v", r.Message, err)
	}
	if r.Level == slog.LevelInfo && quiet.MatchString(r.Message) {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "log %s: %s", strings.ToLower(r.Level.String()), r.Message)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "worker_pid" && a.Key != "event" { // the message says the same
			fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		}
		return true
	})
	h.st.say("%s", b.String())
	return nil
}
