package supervisor

import (
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
)

// The first connection of a queue came after the queue was seen empty, and after the last
// connection that a worker has accepted. The nearer of the two is the bound of its wait.
func TestOldestWait(t *testing.T) {
	now := time.Now()
	st := &stage{}
	m := &master{hooks: hooks{now: func() time.Time { return now }}, boot: boot{began: now.Add(-time.Hour)}}
	m.workers = map[int]*worker{}
	for i, arrived := range []time.Duration{0, 7 * time.Second, 3 * time.Second} {
		m.workers[i] = &worker{proc: &fake{st: st, status: board.Status{Arrived: arrived}}}
	}
	const a, b = "127.0.0.1:1", "127.0.0.1:2"
	for _, c := range []struct {
		name  string
		empty map[string]time.Time
		queue []queue
		want  time.Duration
	}{
		{"no queue", nil, nil, 0},
		{"an empty queue", nil, []queue{{a, 0, 10}}, 0},
		{"accepted lately", map[string]time.Time{a: now.Add(-8 * time.Second)}, []queue{{a, 1, 10}}, 3 * time.Second},
		{"empty lately", map[string]time.Time{a: now.Add(-time.Second)}, []queue{{a, 1, 10}}, time.Second},
		{"one of two", map[string]time.Time{a: now.Add(-time.Second), b: now.Add(-2 * time.Second)}, []queue{{a, 0, 10}, {b, 5, 10}}, 2 * time.Second},
		{"the older of two", map[string]time.Time{a: now.Add(-time.Second), b: now.Add(-2 * time.Second)}, []queue{{a, 1, 10}, {b, 5, 10}}, 2 * time.Second},
	} {
		m.checks.empty = c.empty
		if got := m.oldestWait(c.queue); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	m.workers, m.checks.empty = nil, nil
	if got := m.oldestWait([]queue{{a, 1, 10}}); got != time.Hour {
		t.Errorf("nothing is known: %v, want the master's age", got)
	}
}
