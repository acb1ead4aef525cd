package supervisor

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

// recent keeps the latest events of this master, for the page of the admin address. It
// hears the lines of the log (note), also those that the log's level leaves out. The nil
// *recent is valid, and keeps nothing.
type recent struct {
	mu  sync.Mutex // held for a moment: the loop logs
	all []past     // the oldest first
}

// past is an event that has happened.
type past struct {
	Time    time.Time     `json:"time"`
	Event   logevent.Name `json:"event"`
	Level   string        `json:"level"` // info, warn or error
	Message string        `json:"message"`
	Fields  [][2]string   `json:"fields"` // keys and values
}

const (
	recentTime  = time.Hour // how long an event is kept
	recentMost  = 200       // events that are kept
	recentValue = 400       // bytes of a value or of a message; the rest is cut
	recentPart  = 64 << 10  // bytes of the events that a new master is told
)

// ofRequest are the fields that say something of a request: its path, which a client chooses.
// They are not kept.
var ofRequest = []string{"running", "request"}

// note keeps a line of the log if it is an event, and no routine.
func (k *recent) note(r slog.Record) {
	p := past{Time: r.Time, Level: levelName(r.Level), Message: cut(r.Message), Fields: [][2]string{}}
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case a.Key == logevent.Key:
			p.Event = logevent.Name(a.Value.String())
		case !slices.Contains(ofRequest, a.Key):
			p.Fields = append(p.Fields, [2]string{a.Key, cut(a.Value.Resolve().String())})
		}
		return true
	})
	if e := logevent.Find(p.Event); e != nil && !e.Routine {
		k.add(p)
	}
}

// add keeps events, and forgets those that are too old or too many.
func (k *recent) add(more ...past) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, more...)
	slices.SortStableFunc(k.all, func(a, b past) int { return a.Time.Compare(b.Time) })
	k.all = slices.Delete(k.all, 0, max(len(k.all)-recentMost, 0))
}

// list returns the events of the last hour, the oldest first.
func (k *recent) list(now time.Time) []past {
	if k == nil {
		return []past{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	young := slices.IndexFunc(k.all, func(p past) bool { return now.Sub(p.Time) < recentTime })
	if young < 0 {
		return []past{}
	}
	return slices.Clone(k.all[young:])
}

// part returns the latest events as JSON, as many as fit into recentPart bytes.
func (k *recent) part(now time.Time) (json.RawMessage, error) {
	for all := k.list(now); ; all = all[(len(all)+1)/2:] {
		if b, err := json.Marshal(all); err != nil || len(b) <= recentPart {
			return b, err
		}
	}
}

// take keeps the events of another master, as its part has returned them.
func (k *recent) take(part json.RawMessage) error {
	if k == nil || part == nil {
		return nil
	}
	var more []past
	if err := json.Unmarshal(part, &more); err != nil {
		return err
	}
	k.add(more[max(len(more)-recentMost, 0):]...)
	return nil
}

func cut(s string) string {
	if len(s) > recentValue {
		return strings.ToValidUTF8(s[:recentValue], "") + "…"
	}
	return s
}

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	}
	return "info"
}
