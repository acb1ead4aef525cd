package logfile

import (
	"io"
	"sync"
)

// Keeper writes lines to a log that may fail, as on a full disk: it counts what
// is lost, for nobody looks at what Write returns to a logger. Nothing is kept
// for later, so a log that fails costs neither memory nor time.
type Keeper struct {
	W io.Writer

	// Failed is called with the first line that is lost, and Works with the
	// first that is not, after it, with the number lost between. They must not
	// write to the Keeper; nil does nothing.
	Failed func(err error)
	Works  func(lost int)

	mu   sync.Mutex
	lost int
	torn bool // the last line that is there has no end
}

func (k *Keeper) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	line := p
	if k.torn {
		line = append([]byte{'\n'}, p...)
	}
	n, err := k.W.Write(line)
	if err != nil {
		k.torn = k.torn && n == 0 || n > 0 && line[n-1] != '\n'
		if k.lost++; k.lost == 1 && k.Failed != nil {
			k.Failed(err)
		}
		return 0, err
	}
	lost := k.lost
	k.lost, k.torn = 0, false
	if lost > 0 && k.Works != nil {
		k.Works(lost)
	}
	return len(p), nil
}
