package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

// The events are kept whatever the log's level is. What is routine, what is no event, and
// what says something of a request is not kept.
func TestRecent(t *testing.T) {
	var out bytes.Buffer
	kept := new(recent)
	log := slog.New(logevent.Hear(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError}), slog.LevelInfo, kept.note))
	logevent.WorkerReady.Log(log, "worker ready", "worker", 1)
	logevent.ReloadDone.Log(log, "reload: done", "generation", 2)
	logevent.WorkerDied.Log(log, "worker died", "worker", 1, "status", "signal SIGKILL", "running", "GET /private (7 bytes)", "hint", "look")
	logevent.RequestHung.Log(log, "request hung", "request", "GET /private", "runs_for", 1500*time.Millisecond)
	logevent.ReloadFailed.Log(log, "reload failed", "error", errors.New(strings.Repeat("x", 1000)))
	log.Error("no event")
	log.Debug("nothing")

	got := kept.list(time.Now())
	for i := range got {
		got[i].Time = time.Time{}
	}
	want := []past{
		{Event: "reload_done", Level: "info", Message: "reload: done", Fields: [][2]string{{"generation", "2"}}},
		{Event: "worker_died", Level: "error", Message: "worker died", Fields: [][2]string{{"worker", "1"}, {"status", "signal SIGKILL"}, {"hint", "look"}}},
		{Event: "request_hung", Level: "error", Message: "request hung", Fields: [][2]string{{"runs_for", "1.5s"}}},
		{Event: "reload_failed", Level: "error", Message: "reload failed", Fields: [][2]string{{"error", strings.Repeat("x", recentValue) + "…"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 4 || strings.Contains(out.String(), "reload: done") {
		t.Errorf("the log has %d lines, want the 4 errors:\n%s", lines, &out)
	}
}

// Only the latest events of the last hour are kept, in order, also with those of an old
// master. All that is told to a new master fits into a message.
func TestRecentIsBounded(t *testing.T) {
	now := time.Now()
	kept := new(recent)
	for i := range 3 * recentMost {
		at := now.Add(time.Duration(i-3*recentMost) * time.Minute)
		kept.add(past{Time: at, Event: logevent.ReloadDone, Message: fmt.Sprint(i), Fields: [][2]string{{"error", strings.Repeat("ä", recentValue/2)}}})
	}
	if len(kept.all) != recentMost {
		t.Errorf("%d events are kept, want %d", len(kept.all), recentMost)
	}
	all := kept.list(now)
	if len(all) != 59 || all[0].Message != "541" || all[58].Message != "599" {
		t.Fatalf("%d events, from %s to %s", len(all), all[0].Message, all[len(all)-1].Message)
	}
	part, err := kept.part(now)
	if err != nil || len(part) > recentPart {
		t.Fatalf("the part has %d bytes, %v", len(part), err)
	}
	next := new(recent)
	next.add(past{Time: now, Event: logevent.UpgradeTakenOver, Message: "last"})
	if err := next.take(part); err != nil {
		t.Fatal(err)
	}
	if got := next.list(now); len(got) != 60 || got[0].Message != "541" || got[59].Message != "last" {
		t.Errorf("the new master has %d events, from %s to %s", len(got), got[0].Message, got[len(got)-1].Message)
	}
	for i := range recentMost { // so many that not all fit into a message
		kept.add(past{Time: now, Event: logevent.ReloadDone, Message: fmt.Sprint("late ", i), Fields: [][2]string{{"error", strings.Repeat("ä", recentValue/2)}}})
	}
	if part, err = kept.part(now); err != nil || len(part) > recentPart || !strings.Contains(string(part), fmt.Sprintf("late %d\"", recentMost-1)) {
		t.Errorf("the part has %d bytes, %v, or lacks the latest", len(part), err)
	}
	if err := next.take([]byte("no JSON")); err == nil {
		t.Error("what is no JSON was taken")
	}
	if got := (*recent)(nil).list(now); len(got) > 0 {
		t.Error("nil has events")
	}
}
