package logfile

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// disk has room for so many bytes.
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

func TestKeeper(t *testing.T) {
	d := &disk{room: 9}
	var said []string
	k := &Keeper{
		W:      d,
		Failed: func(err error) { said = append(said, err.Error()) },
		Works:  func(lost int) { said = append(said, fmt.Sprint(lost, " lost")) },
	}
	for i := range 4 { // the second is torn
		fmt.Fprintf(k, "line %d\n", i)
	}
	d.room = 100
	fmt.Fprint(k, "line 4\n")
	d.room = 0
	fmt.Fprint(k, "line 5\n")
	d.room = 100
	fmt.Fprint(k, "line 6\n")
	if want := "line 0\nli\nline 4\nline 6\n"; d.text != want {
		t.Errorf("the log has %q, want %q", d.text, want)
	}
	if got, want := fmt.Sprint(said), "[no space left on device 3 lost no space left on device 1 lost]"; got != want {
		t.Errorf("it said %s, want %s", got, want)
	}
}
