// Package board is the scoreboard that master and workers share: a memfd with a line
// of 256 bytes for each worker, and behind the lines a page of counters for each (package
// metrics). A worker writes only its own line and page; the master and the other workers
// read them. The memory outlives the worker, so the master can tell what a worker was
// running when it crashed, and nothing that the worker has counted is lost.
//
// Times are nanoseconds of CLOCK_MONOTONIC, which is the same in all processes of a
// machine. The monotonic part of a time.Time is not.
package board

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/metrics"
)

// Lines is how many workers a board has lines for, including workers that leave.
const Lines = 1024

const lineSize = 256

// pagesAt is where the pages begin, in bytes.
const pagesAt = Lines * lineSize

// size returns the length of the memory in bytes up to the end of page n-1. All of it is
// mapped, but the file has only the pages that Reserve was called for. So a small limit of
// file sizes allows some workers.
func size(n int) int { return pagesAt + n*metrics.PageSize }

// Board is the whole scoreboard, mapped.
type Board struct {
	file  *os.File
	mem   []byte
	pages int // how many pages the file has, as far as this process has made them
}

// New makes a board in a memfd of its own.
func New() (*Board, error) {
	fd, err := unix.MemfdCreate("narwhal-board", unix.MFD_CLOEXEC)
	switch {
	case errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM):
		return nil, fmt.Errorf("scoreboard: memfd_create: %w: master and workers share memory that way: allow it in the container's seccomp profile", err)
	case err != nil:
		return nil, fmt.Errorf("scoreboard: memfd_create: %w", err)
	}
	file := os.NewFile(uintptr(fd), "narwhal-board")
	b, err := Open(file)
	if err != nil {
		file.Close()
		return nil, err
	}
	if err := b.Reserve(0); err != nil { // and the lines
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Reserve makes room for page i. The master calls it before it starts a worker with line i.
// Nobody may use a page for which it was not called.
func (b *Board) Reserve(i int) error {
	if i < b.pages {
		return nil
	}
	err := b.file.Truncate(int64(size(i + 1)))
	if errors.Is(err, unix.EFBIG) {
		err = fmt.Errorf("%w: raise the limit of file sizes (LimitFSIZE= in the unit, ulimit -f), which holds for shared memory, too", unix.EFBIG)
	}
	if err != nil {
		return fmt.Errorf("scoreboard: %d KiB of shared memory: %w", size(i+1)>>10, err)
	}
	b.pages = i + 1
	return nil
}

// Open maps the board that a master made. Only Close may close the file.
func Open(file *os.File) (*Board, error) {
	mem, err := unix.Mmap(int(file.Fd()), 0, size(Lines), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("scoreboard: mmap: %w", err)
	}
	return &Board{file: file, mem: mem}, nil
}

// File returns the memfd, which every worker inherits.
func (b *Board) File() *os.File { return b.file }

// Close unmaps the board. Lines must not be used afterwards.
func (b *Board) Close() error {
	err := unix.Munmap(b.mem)
	b.mem = nil
	if cerr := b.file.Close(); err == nil {
		err = cerr
	}
	return err
}

// Line returns line i.
func (b *Board) Line(i int) *Line {
	return (*Line)(unsafe.Pointer(&b.mem[i*lineSize : (i+1)*lineSize][0]))
}

// Page returns the counters of the worker that has line i.
func (b *Board) Page(i int) *metrics.Page {
	return metrics.NewPage(b.mem[pagesAt+i*metrics.PageSize:])
}

// Now is the time lines are written in.
func Now() int64 { return epoch.mono + int64(time.Since(epoch.began)) }

// epoch is one moment on CLOCK_MONOTONIC and on the same clock as the runtime counts
// it. The runtime reads it without a system call.
var epoch = func() (e struct {
	mono  int64
	began time.Time
}) {
	var ts unix.Timespec
	// CLOCK_MONOTONIC cannot fail on Linux.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	e.mono, e.began = ts.Nano(), time.Now()
	return e
}()

// Line is the state of one worker. Only the worker writes it, each field atomically.
type Line struct {
	beat     atomic.Int64  // when the worker last showed life
	conns    atomic.Int64  // open connections
	inflight atomic.Int64  // requests read and not answered
	places   atomic.Int64  // requests that can compute at once
	taken    atomic.Int64  // of those, places that are taken
	state    atomic.Int64  // a State
	received atomic.Uint64 // bytes of connections
	sent     atomic.Uint64
	busy     atomic.Int64  // nanoseconds that requests have computed
	idle     atomic.Int64  // 1 if a request that came now would be computed at once
	waiting  atomic.Int64  // whole requests that wait for a place
	oldest   atomic.Int64  // since when the first of them has waited, 0 if none
	missed   atomic.Int64  // nanoseconds in which the worker was idle while a request waited in another one
	arrived  atomic.Int64  // when the last connection that was accepted came into the kernel's queue, 0 if unknown
	seq      atomic.Uint64 // odd while the fields below are being written
	started  atomic.Int64  // start of the request running longest, 0 if none
	size     atomic.Int64  // its body in bytes
	what     [whatWords]atomic.Uint64
}

// State is what a worker does. After a crash the line still has the last one.
type State int64

// The states, in the order of a life.
const (
	Starting State = iota
	Serving
	Leaving
)

func (s State) String() string {
	switch s {
	case Starting:
		return "starting"
	case Serving:
		return "serving"
	case Leaving:
		return "leaving"
	}
	return fmt.Sprintf("state %d", int64(s))
}

// A Line has exactly the size of a line; otherwise this does not compile.
var _ [0]struct{} = [unsafe.Sizeof(Line{}) - lineSize]struct{}{}

const (
	whatWords = lineSize/8 - 17
	whatBytes = whatWords * 8
)

// Reset clears a line before a new worker gets it, and counts as its first beat.
func (l *Line) Reset() {
	l.conns.Store(0)
	l.inflight.Store(0)
	l.places.Store(0)
	l.state.Store(int64(Starting))
	l.received.Store(0)
	l.sent.Store(0)
	l.busy.Store(0)
	l.missed.Store(0)
	l.arrived.Store(0)
	l.ShowQueue(false, 0, 0, 0)
	l.Running(0, "", "", 0)
	l.Beat()
}

// Beat says that the worker lives.
func (l *Line) Beat() { l.beat.Store(Now()) }

// Conns says how many connections are open.
func (l *Line) Conns(n int) { l.conns.Store(int64(n)) }

// InFlight says how many requests were read and not answered.
func (l *Line) InFlight(n int) { l.inflight.Store(int64(n)) }

// Places says how many requests can compute at once.
func (l *Line) Places(n int) { l.places.Store(int64(n)) }

// State says what the worker does now.
func (l *Line) State(s State) { l.state.Store(int64(s)) }

// Received counts bytes that came over connections.
func (l *Line) Received(n int) { l.received.Add(uint64(n)) }

// Sent counts bytes that went over connections.
func (l *Line) Sent(n int) { l.sent.Add(uint64(n)) }

// Busy adds the time that a request has computed.
func (l *Line) Busy(d time.Duration) { l.busy.Add(int64(d)) }

// ShowQueue writes whether the worker is idle, how many places are taken, how many requests
// wait in it, and since when the oldest of them has waited.
func (l *Line) ShowQueue(idle bool, taken, waiting int, oldest int64) {
	var i int64
	if idle {
		i = 1
	}
	l.idle.Store(i)
	l.taken.Store(int64(taken))
	l.waiting.Store(int64(waiting))
	l.oldest.Store(oldest)
}

// Queue returns what other workers look at: whether the worker is idle, and since when
// its oldest waiting request has waited; 0 if none waits.
func (l *Line) Queue() (idle bool, oldest int64) { return l.idle.Load() == 1, l.oldest.Load() }

// Serves says whether the worker serves and has shown life lately.
func (l *Line) Serves(within time.Duration) bool {
	return State(l.state.Load()) == Serving && Now()-l.beat.Load() < int64(within)
}

// Missed adds time in which the worker was idle while a request waited in another one.
func (l *Line) Missed(d time.Duration) { l.missed.Add(int64(d)) }

// Accepted says how long a connection that was just accepted has waited in the kernel's
// queue.
func (l *Line) Accepted(waited time.Duration) { l.arrived.Store(Now() - int64(waited)) }

// Running says which request has been running longest; start 0 means none.
// Method and path are cut to what fits.
func (l *Line) Running(start int64, method, path string, size int) {
	l.seq.Add(1)
	l.started.Store(start)
	l.size.Store(int64(size))
	if start != 0 {
		l.setWhat(method, path)
	}
	l.seq.Add(1)
}

func (l *Line) setWhat(method, path string) {
	var buf [whatBytes]byte
	n := copy(buf[:], method)
	if n < len(buf) {
		buf[n] = ' '
		n++
	}
	copy(buf[n:], path)
	for i := range l.what {
		l.what[i].Store(*(*uint64)(unsafe.Pointer(&buf[i*8])))
		if buf[i*8+7] == 0 {
			break // the reader stops at the first NUL
		}
	}
}

// Status is what the master reads of a worker.
type Status struct {
	Beat     time.Duration // since the last beat
	Conns    int
	InFlight int
	Requests uint64 // answered since the start. Read leaves it 0: the page has it
	Failures uint64 // of those, answered 5xx; likewise
	Places   int    // requests that can compute at once
	Taken    int    // places that are taken
	State    State
	Received uint64        // bytes
	Sent     uint64        // bytes
	Busy     time.Duration // that requests have computed, added up
	Waiting  int           // whole requests that wait for a place
	Missed   time.Duration // idle while a request waited with a sibling, added up

	Arrived time.Duration // since the last accepted connection came into the kernel's queue; 0: unknown

	Running time.Duration // age of the request running longest, 0 if none
	What    string        // its method and path; empty if that cannot be told
	Size    int           // its body in bytes
}

// Read reads the line. It does not wait for the worker, which may have died while it
// wrote, or may write without a pause. Then What and Size could be of two different
// requests, so Read leaves them empty. Running is always right.
func (l *Line) Read() Status {
	now := Now()
	s := Status{
		Beat:     time.Duration(now - l.beat.Load()),
		Conns:    int(l.conns.Load()),
		InFlight: int(l.inflight.Load()),
		Places:   int(l.places.Load()),
		Taken:    int(l.taken.Load()),
		State:    State(l.state.Load()),
		Received: l.received.Load(),
		Sent:     l.sent.Load(),
		Busy:     time.Duration(l.busy.Load()),
		Waiting:  int(l.waiting.Load()),
		Missed:   time.Duration(l.missed.Load()),
	}
	if arrived := l.arrived.Load(); arrived != 0 {
		s.Arrived = max(time.Duration(now-arrived), 1)
	}
	for range 100 {
		before := l.seq.Load()
		start := l.started.Load()
		s.Running = 0
		if start == 0 {
			return s
		}
		s.Running = max(time.Duration(now-start), 1)
		size, what := int(l.size.Load()), l.readWhat()
		if before%2 == 0 && l.seq.Load() == before {
			s.Size, s.What = size, what
			return s
		}
	}
	return s
}

func (l *Line) readWhat() string {
	var buf [whatBytes]byte
	for i := range l.what {
		*(*uint64)(unsafe.Pointer(&buf[i*8])) = l.what[i].Load()
	}
	for i, c := range buf {
		if c == 0 {
			return string(buf[:i])
		}
	}
	return string(buf[:])
}
