package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a writer with room for a number of bytes.
type disk struct {
	text string
	room int
}

func (d *disk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.text += string(p[:n])
	d.room -= n
	if n < len(p) {
		return n, unix.ENOSPC
	}
	return n, nil
}

// On a full disk the lines that fit are written, and the lost ones are counted. A line
// that was cut off gets an end before the next line.
func TestFullDisk(t *testing.T) {
	d := &disk{room: 9}
	var said []string
	w := &Writer{
		W:      d,
		Failed: func(err error) { said = append(said, err.Error()) },
		Works:  func(lost int, _ time.Time) { said = append(said, fmt.Sprint(lost, " lost")) },
	}
	line := func(i int) {
		fmt.Fprintf(w, "line %d\n", i)
		w.Flush(time.Minute)
	}
	for i := range 4 { // the second line is cut off
		line(i)
	}
	d.room = 100
	line(4)
	d.room = 0
	line(5)
	d.room = 100
	line(6)
	if want := "line 0\nli\nline 4\nline 6\n"; d.text != want {
		t.Errorf("the log has %q, want %q", d.text, want)
	}
	if got, want := fmt.Sprint(said), "[no space left on device 3 lost no space left on device 1 lost]"; got != want {
		t.Errorf("it said %s, want %s", got, want)
	}
}

// valve is a log that takes no lines while it is closed.
type valve struct {
	open sync.RWMutex
	text bytes.Buffer
}

func (v *valve) Write(p []byte) (int, error) {
	v.open.RLock()
	defer v.open.RUnlock()
	if len(p) > piece {
		return 0, fmt.Errorf("%d bytes at once", len(p))
	}
	return v.text.Write(p)
}

// If a log takes no lines, Write returns all the same. The log then has one gap, and
// Works is called at its place.
func TestLogStands(t *testing.T) {
	v := new(valve)
	v.open.Lock()
	var failed []error
	w := &Writer{W: v, Failed: func(err error) { failed = append(failed, err) }}
	before := time.Now()
	w.Works = func(lost int, since time.Time) {
		if since.Before(before) || since.After(time.Now()) {
			t.Errorf("the first line was lost at %v", since)
		}
		fmt.Fprintf(&v.text, "lost %d\n", lost)
	}
	const lines, size = 30000, 100
	for i := range lines {
		if n, err := fmt.Fprintf(w, "%0*d\n", size-1, i); n != size || err != nil {
			t.Fatalf("line %d: %d, %v", i, n, err)
		}
	}
	if len(failed) != 1 || !errors.Is(failed[0], ErrStands) {
		t.Errorf("it said %v", failed)
	}
	if w.Flush(time.Millisecond) {
		t.Error("a log that stands has taken everything")
	}
	v.open.Unlock()
	if !w.Flush(time.Minute) {
		t.Fatal("the log does not take the lines")
	}
	fmt.Fprintf(w, "the end\n")
	w.Flush(time.Minute)

	kept, lost := 0, 0
	for line := range strings.Lines(v.text.String()) {
		switch {
		case strings.HasPrefix(line, "lost "):
			fmt.Sscanf(line, "lost %d", &lost)
		case line == "the end\n":
			if lost == 0 {
				t.Error("the loss is not said where the lines are missing")
			}
		default:
			if n, err := strconv.Atoi(strings.TrimSpace(line)); n != kept || err != nil {
				t.Fatalf("line %q stands where line %d should be", line, kept)
			}
			kept++
		}
	}
	if kept+lost != lines || kept < room/size {
		t.Errorf("%d lines are there and %d lost, of %d", kept, lost, lines)
	}
}

// If another process has set a pipe to non-blocking mode, no line is lost.
func TestNonblockingLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(p[0])
		defer unix.Close(p[1])
		w := &Writer{W: raw(p[1]), Failed: func(err error) { t.Error(err) }}
		for range 2000 { // more than a pipe holds
			fmt.Fprintln(w, strings.Repeat("x", 99))
		}
		got, buf := 0, make([]byte, 1<<20)
		for got < 2000*100 {
			n, err := unix.Read(p[0], buf)
			if err == unix.EAGAIN {
				time.Sleep(retryTime) // in virtual time
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
	})
}

// raw is a descriptor that Go's poller does not use.
type raw int

func (fd raw) Write(p []byte) (int, error) {
	n, err := unix.Write(int(fd), p)
	return max(n, 0), err
}

// Flush writes the lines that wait, before the process ends.
func TestFlush(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := &Writer{W: f}
	for i := range 1000 {
		fmt.Fprintln(w, i)
	}
	if !w.Flush(time.Minute) || !w.Flush(0) {
		t.Error("not everything is written")
	}
	if b, _ := os.ReadFile(f.Name()); strings.Count(string(b), "\n") != 1000 {
		t.Errorf("the log has %q", b)
	}
}
