package supervisor

import (
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/narwhal-server/narwhal/internal/wire"
)

// slowStart is a system in which a TERM comes while the first worker is started.
type slowStart struct {
	stage
	started int
}

func (s *slowStart) Start(h wire.HelloMessage, env []string, events chan<- event) (process, error) {
	if s.started++; s.started == 1 {
		s.signals.stop <- syscall.SIGTERM
	}
	p, err := s.stage.Start(h, env, events)
	p.(*fake).exits = true
	return p, err
}

// It takes seconds to start hundreds of workers. A TERM does not wait for that.
func TestTermWhileWorkersStart(t *testing.T) {
	sys := &slowStart{stage: stage{t: t, ready: new(atomic.Bool), procs: map[string]*fake{}}}
	sys.signals.stop = make(chan os.Signal, 1)
	m, err := newMaster(Options{Workers: mostWorkers, Log: slog.New(slog.DiscardHandler)}, sys, nil, newInbox(sys.signals), sys.ready)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.run(t.Context()); err != nil {
		t.Error(err)
	}
	if sys.started > mostWorkers/2 { // by chance it is between 1 and, rarely, a dozen
		t.Errorf("%d workers were started before the signal was read", sys.started)
	}
}

// The master refuses a number of workers beyond the limit: at the start, by TTIN, in a
// reload and in a scale command.
func TestTooManyWorkers(t *testing.T) {
	sys := &stage{t: t, ready: new(atomic.Bool), procs: map[string]*fake{}}
	quiet := slog.New(slog.DiscardHandler)
	for _, n := range []int{-1, mostWorkers + 1, 100_000} {
		_, err := newMaster(Options{Workers: n, Log: quiet}, sys, nil, newInbox(signals{}), sys.ready)
		if err == nil || !strings.Contains(err.Error(), "want 1 to 512") {
			t.Errorf("%d workers at the start: %v", n, err)
		}
	}
	m, err := newMaster(Options{Workers: mostWorkers, Log: quiet}, sys, nil, newInbox(signals{}), sys.ready)
	if err != nil {
		t.Fatal(err)
	}
	m.onSignal(syscall.SIGTTIN)
	m.gen.o.Reload = func() (Options, error) { return Options{Workers: mostWorkers + 1, Log: quiet}, nil }
	m.onHUP()
	a := newAsk(commandScale)
	a.workers = mostWorkers + 1
	m.onAsk(a)
	if o := <-a.reply; o.err == nil || m.target != mostWorkers || m.reload != nil {
		t.Errorf("the master wants %d workers; scale: %v; reload: %v", m.target, o.err, m.reload)
	}
}

// The workers divide the processors that are given, equally and rounded down. Each has at
// least one.
func TestWorkersDivideCores(t *testing.T) {
	for _, c := range []struct{ cores, workers, gomaxprocs, want int }{
		{1, 1, 0, 1}, {3, 1, 0, 3}, {3, 2, 0, 1}, {8, 3, 0, 2}, {1, 4, 0, 1}, {1, 4, 2, 2},
	} {
		sys := &stage{t: t, ready: new(atomic.Bool), procs: map[string]*fake{}}
		o := Options{Workers: c.workers, Cores: c.cores, GOMAXPROCS: c.gomaxprocs, Log: slog.New(slog.DiscardHandler)}
		m, err := newMaster(o, sys, nil, newInbox(signals{}), sys.ready)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.procs(m.gen); got != c.want {
			t.Errorf("%+v: GOMAXPROCS %d", c, got)
		}
	}
}
