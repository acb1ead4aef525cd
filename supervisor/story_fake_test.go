package supervisor

import (
	"errors"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// fake is a worker process of a story.
type fake struct {
	st     *stage
	name   string
	age    int
	events chan<- event
	dead   bool
	exits  bool // it ends as soon as it gets a signal
	status board.Status
	at     time.Time // when status was set
	memory int64     // bytes; 0: Memory fails
	served uint64    // requests answered
}

func (p *fake) do(st *stage, verb, rest string) {
	switch verb {
	case "ready":
		p.events <- event{age: p.age, msg: wire.Message{Kind: wire.Ready}}
	case "fails":
		p.events <- event{age: p.age, msg: wire.Message{Kind: wire.Failed, Error: rest}}
		p.exit(exitStatus{code: 3})
	case "worn":
		p.events <- event{age: p.age, msg: wire.Message{Kind: wire.Worn, Error: "max-requests"}}
	case "exit":
		n, _ := strconv.Atoi(rest)
		p.exit(exitStatus{code: n})
	case "settles":
		p.events <- event{age: p.age, msg: wire.Message{Kind: wire.Settled}}
	case "dies":
		p.exit(exitStatus{signal: unix.SignalNum("SIG" + rest)})
	case "runs":
		f := strings.Fields(rest)
		s := board.Status{What: "GET /", Size: 42, InFlight: 1}
		s.Running, _ = time.ParseDuration(f[0])
		for _, x := range f[1:] {
			if d, ok := strings.CutPrefix(x, "silent="); ok {
				s.Beat, _ = time.ParseDuration(d)
			} else {
				s.InFlight, _ = strconv.Atoi(strings.TrimPrefix(x, "in_flight="))
			}
		}
		p.set(s)
	case "weighs":
		p.st.mu.Lock()
		p.memory, _ = strconv.ParseInt(rest, 10, 64)
		p.st.mu.Unlock()
	case "answers":
		n, _ := strconv.ParseUint(rest, 10, 64)
		p.st.mu.Lock()
		p.served += n
		p.st.mu.Unlock()
	case "rests":
		p.set(board.Status{})
	case "silent":
		d, _ := time.ParseDuration(rest)
		p.set(board.Status{Beat: d})
	default:
		st.t.Fatalf("a worker cannot %q", verb)
	}
}

func (p *fake) set(s board.Status) {
	p.st.mu.Lock()
	p.status, p.at = s, time.Now()
	p.st.mu.Unlock()
}

func (p *fake) exit(s exitStatus) {
	p.dead = true
	p.events <- event{age: p.age, exited: true, status: s}
}

func (p *fake) Pid() int { return 100 + p.age }

func (p *fake) Send(m wire.Message) error {
	extra := ""
	if m.Queue {
		extra += " with the queue"
	}
	if m.Last {
		extra += " for good"
	}
	if m.Grace > 0 {
		extra += " within " + m.Grace.String()
	}
	p.st.say("%s <- %s%s", p.name, m.Kind, extra)
	return nil
}

func (p *fake) Signal(s syscall.Signal) error {
	p.st.say("kill %s %s", p.name, signalName(s))
	if p.exits {
		go p.exit(exitStatus{signal: s})
	}
	return nil
}

// Status returns the status with its times counted until now, as the board does.
func (p *fake) Status() board.Status {
	p.st.mu.Lock()
	defer p.st.mu.Unlock()
	s := p.status
	s.State = board.Serving
	s.Requests = p.served
	since := time.Since(p.at)
	if s.Running > 0 {
		s.Running += since
	}
	if s.Beat > 0 {
		s.Beat += since
	}
	return s
}

func (p *fake) Count(sum *metrics.Sum) {
	p.st.mu.Lock()
	defer p.st.mu.Unlock()
	sum.Add(metrics.Key(metrics.RequestsTotal, "/", "POST", "200"), p.served)
}

func (p *fake) Release() {}

func (p *fake) Memory() (int64, error) {
	p.st.mu.Lock()
	defer p.st.mu.Unlock()
	if p.memory == 0 {
		return 0, errors.New("no such process")
	}
	return p.memory, nil
}
