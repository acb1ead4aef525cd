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

// openLoop begins requests at random times, at the given rate on average, with
// exponential gaps: many independent visitors. A request whose time has come goes
// to a client that is free; one is added while there are fewer than Connections;
// else it waits in line, and its response time counts the wait.
func (r *run) openLoop() {
	var (
		gaps     = rand.New(rand.NewPCG(r.o.Seed, 0))
		line     = make(chan time.Time, r.o.MaxInFlight) // of the times at which they were due
		inFlight atomic.Int64                            // in line or sent
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
		line <- due // has room for all in flight
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

// until waits for a moment. It gives false if the run was stopped before it.
func (r *run) until(due time.Time) bool {
	// The runtime's timers are up to a millisecond late when nothing else happens
	// in the process, so the last part is left to nap.
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

// nap sleeps for short times exactly, by a timer of the kernel that the runtime
// waits for as it waits for a socket. (nanosleep would keep a processor of the
// scheduler from other goroutines until it is taken away.)
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
