package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// openLoop begins requests at random times with exponential gaps, at the given rate on
// average, as many independent visitors do. A request that is due goes to a free client.
// If no client is free and there are fewer than Connections, a client is added. Otherwise
// the request waits in line, and its response time includes the wait. If MaxInFlight
// requests are in line or sent, the request is dropped.
func (r *run) openLoop() {
	var (
		gaps     = rand.New(rand.NewPCG(r.o.Seed, 0))
		line     = make(chan time.Time, r.o.MaxInFlight) // of the times at which requests were due
		inFlight atomic.Int64                            // requests in line or sent
		clients  sync.WaitGroup
		count    int // of clients
		maxLag   time.Duration
	)
	began := time.Now()
	due := began
	for n := 0; r.o.Duration > 0 || n < r.o.Requests; n++ {
		due = due.Add(gap(gaps, r.o.Rate))
		if r.o.Duration > 0 && due.Sub(began) >= r.o.Duration {
			r.until(began.Add(r.o.Duration))
			break
		}
		if !r.until(due) {
			break
		}
		maxLag = max(maxLag, time.Since(due))
		if int(inFlight.Load()) >= r.o.MaxInFlight {
			r.tally.drop()
			continue
		}
		if int(inFlight.Add(1)) > count && count < r.o.Connections {
			count++
			clients.Go(func() { r.serveLine(line, &inFlight) })
		}
		line <- due // has room for MaxInFlight
	}
	close(line)
	clients.Wait()

	r.tally.trial(time.Since(began), !r.stopped.Load())
	r.tally.r.MaxLag = maxLag
}

// serveLine is a client of the open loop.
func (r *run) serveLine(line <-chan time.Time, inFlight *atomic.Int64) {
	c := client{run: r}
	defer c.close()
	for due := range line {
		if r.stopped.Load() {
			r.tally.giveUp(&outcome{})
		} else {
			r.one(&c, due)
		}
		inFlight.Add(-1)
	}
}

// until waits until the time due. It returns false if the run was stopped before.
func (r *run) until(due time.Time) bool {
	// The runtime's timers are up to a millisecond late if nothing else happens in the
	// process. So nap waits for the last part.
	const last = 2 * time.Millisecond
	for {
		if r.stopped.Load() {
			return false
		}
		wait := time.Until(due)
		switch {
		case wait <= 0:
			return true
		case wait <= last:
			r.nap(wait)
		default:
			t := time.NewTimer(wait - last)
			select {
			case <-t.C:
			case <-r.stop:
				t.Stop()
			}
		}
	}
}

// nap sleeps exactly for short times. It uses a timer of the kernel, for which the
// runtime waits as for a socket. nanosleep would keep one of the scheduler's processors
// from other goroutines until the scheduler takes the processor away.
type nap struct{ *os.File }

func newNap() (nap, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nap{}, fmt.Errorf("make a timer: %w", err)
	}
	return nap{os.NewFile(uintptr(fd), "timer")}, nil
}

func (n nap) sleep(d time.Duration) {
	raw, err := n.SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) {
			err = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil)
		})
	}
	var expirations [8]byte
	if err == nil {
		_, err = n.Read(expirations[:])
	}
	if err != nil {
		time.Sleep(d) // later than asked for, but never too early
	}
}
