package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

// product is a server program to put under load. Its log tells what happens inside. The
// kernel tells when a process has ended.
type product struct {
	name    string
	listens *regexp.Regexp // finds the TCP address in a log line; nil: start returns it
	ready   *regexp.Regexp // finds the pid of a worker that serves in a log line

	// start makes the command of a master. It returns the addresses, by network, that
	// are known before the log tells.
	start func(r *runner, v variant, args []string) (*exec.Cmd, map[string]string, error)
	// upgrade puts a new master in the place of the old one.
	upgrade func(ctx context.Context, s *server) error
}

// variant is a way to start a product.
type variant struct {
	product *product
	name    string
	args    []string
	sync    bool   // a worker computes one request at a time
	pinned  bool   // a worker keeps the connections of its clients
	short   bool   // in the short form too
	program string // path; "": the runner's narwhal
	workers int    // 0: the usual number
	clients int    // 0: the usual number
	front   *front // a proxy between TCP clients and the server; nil: none
}

func (v variant) String() string {
	if v.front != nil {
		return fmt.Sprintf("%s %s, behind %s", v.product.name, v.name, v.front.name)
	}
	return v.product.name + " " + v.name
}

const workers = 4

// size returns how many workers the server has.
func (v variant) size() int {
	if v.workers > 0 {
		return v.workers
	}
	return workers
}

// patience is the longest time that chaos waits for anything.
const patience = time.Minute

// server is a running master with its workers.
type server struct {
	variant
	r     *runner
	addrs map[string]string // by network; behind a proxy, tcp is the proxy's
	proxy *proxy            // nil: none
	pid   int               // of the master in charge
	args  []string

	mu      sync.Mutex
	changed sync.Cond
	lines   []string     // of the log
	alive   map[int]int  // workers that became ready and have not ended: pid → order, from 1
	born    int          // workers that became ready
	gone    int          // workers that have ended
	kills   int          // workers that chaos has killed
	dead    map[int]bool // masters that have ended
}

// launch starts a server and waits until all its workers serve.
func (r *runner) launch(ctx context.Context, v variant, args ...string) (*server, error) {
	s := &server{variant: v, r: r, alive: map[int]int{}, dead: map[int]bool{}}
	s.changed.L = &s.mu
	cmd, addrs, err := v.product.start(r, v, args)
	if err != nil {
		return nil, err
	}
	s.addrs, s.args = addrs, cmd.Args
	// Not StderrPipe: Wait would close it under processes that outlive the master.
	logr, logw, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer logw.Close()
	cmd.Stdout, cmd.Stderr = logw, logw
	p, err := proc.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", v, err)
	}
	s.pid = p.Pid
	go s.read(logr)
	go func() {
		<-p.Ended // the exit status does not matter here
		s.ended(p.Pid)
	}()
	if err := s.await(ctx, "all workers to be ready", func() bool { return len(s.alive) == s.size() }); err != nil {
		return s, err
	}
	if s.addrs["tcp"] != "" {
		return s, nil
	}
	s.mu.Lock()
	m := s.find(s.product.listens)
	s.mu.Unlock()
	if m == nil {
		return s, fmt.Errorf("%s does not say where it listens", v)
	}
	s.addrs["tcp"] = m[0][1]
	if v.front != nil {
		if s.proxy, err = r.startFront(ctx, v.front, s.addrs["tcp"]); err != nil {
			return s, err
		}
		s.addrs["tcp"] = s.proxy.addr
	}
	return s, nil
}

// read reads the log, and notices workers that become ready.
func (s *server) read(from *os.File) {
	defer from.Close()
	for sc := bufio.NewScanner(from); sc.Scan(); {
		line := sc.Text()
		s.mu.Lock()
		s.lines = append(s.lines, line)
		if m := s.product.ready.FindStringSubmatch(line); m != nil {
			pid, _ := strconv.Atoi(m[1])
			s.born++
			s.alive[pid] = s.born
			go s.watch(pid)
		}
		s.changed.Broadcast()
		s.mu.Unlock()
	}
}

// watch waits for the end of a worker.
func (s *server) watch(pid int) {
	if err := proc.AwaitExit(pid); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	proc.Bury(pid)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.alive, pid)
	s.gone++
	s.changed.Broadcast()
}

// ended notes that a master has ended.
func (s *server) ended(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead[pid] = true
	s.changed.Broadcast()
}

// follow makes another process the master in charge.
func (s *server) follow(pid int) {
	s.mu.Lock()
	s.pid = pid
	s.mu.Unlock()
	go func() {
		if err := proc.AwaitExit(pid); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
		}
		proc.Bury(pid)
		s.ended(pid)
	}()
}

// await waits until cond returns true. It calls cond with s.mu held. It fails after a
// minute, or when the master in charge has ended.
func (s *server) await(ctx context.Context, what string, cond func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		s.changed.Broadcast()
		s.mu.Unlock()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !cond() {
		switch {
		case s.dead[s.pid]:
			return fmt.Errorf("waiting for %s: the master has ended", what)
		case ctx.Err() != nil:
			return fmt.Errorf("waiting for %s, with %d workers: %w", what, len(s.alive), ctx.Err())
		}
		s.changed.Wait()
	}
	return nil
}

// said returns how many lines of the log have all these words. The caller holds s.mu.
func (s *server) said(words ...string) (n int) {
	for _, l := range s.lines {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(l, w) }) {
			n++
		}
	}
	return n
}

// count is said for a caller that does not hold s.mu.
func (s *server) count(words ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said(words...)
}

// awaitSaid waits until the log has n lines with all these words.
func (s *server) awaitSaid(ctx context.Context, n int, words ...string) error {
	return s.await(ctx, fmt.Sprintf("%q in the log", strings.Join(words, " … ")), func() bool { return s.said(words...) >= n })
}

// find returns where the log has what a pattern describes. The caller holds s.mu.
func (s *server) find(said *regexp.Regexp) [][]string {
	return said.FindAllStringSubmatch(strings.Join(s.lines, "\n"), -1)
}

// awaitPid waits until the log has what a pattern describes more than n times. It returns
// the pid that is the pattern's first group, of the first time after n.
func (s *server) awaitPid(ctx context.Context, what string, said *regexp.Regexp, n int) (pid int, err error) {
	err = s.await(ctx, what, func() bool {
		all := s.find(said)
		if len(all) <= n {
			return false
		}
		pid, _ = strconv.Atoi(all[n][1])
		return true
	})
	return pid, err
}

// workers returns the pids of the workers that serve or leave, the oldest first.
func (s *server) workers() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pids []int
	for pid := range s.alive {
		pids = append(pids, pid)
	}
	slices.SortFunc(pids, func(a, b int) int { return s.alive[a] - s.alive[b] })
	return pids
}

func (s *server) signal(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil {
		return fmt.Errorf("%v to %d: %w", sig, pid, err)
	}
	return nil
}

// stop ends the proxy, and the server with TERM. After a minute, or if the run is interrupted, it kills
// all processes.
func (s *server) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	force := context.AfterFunc(ctx, func() { proc.EndDescendants() })
	err := s.signal(s.pid, syscall.SIGTERM)
	if s.proxy != nil {
		err = errors.Join(s.proxy.stop(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.dead[s.pid] || len(s.alive) > 0 {
		s.changed.Wait()
	}
	if !force() {
		return errors.Join(err, fmt.Errorf("it was ended by force: it did not end after TERM: %w", ctx.Err()))
	}
	return err
}

// lastLines is how many lines of a log are printed when something is wrong.
const lastLines = 200

// stack matches a line of a goroutine's stack. An aborted worker writes hundreds of them.
var stack = regexp.MustCompile(`^(\t|\s*$|goroutine |created by |r[a-z0-9]+ +0x|[\w./*()-]+\(.*\)$)`)

func (s *server) printLog(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := slices.DeleteFunc(slices.Clone(s.lines), stack.MatchString)
	fmt.Fprintf(w, "--- %s\n    the last %d of %d lines of its log, without stacks:\n", strings.Join(s.args, " "), min(lastLines, len(lines)), len(lines))
	for _, l := range lines[max(0, len(lines)-lastLines):] {
		fmt.Fprintln(w, "   ", l)
	}
	fmt.Fprintln(w, "---")
}

// runner has what all cells need.
type runner struct {
	narwhal string // path of the program
	model   string
	dir     string // for files; removed at the end
	random  *rand.Rand
	out     io.Writer
	short   bool
	soaking time.Duration
	noise   time.Duration
	seed    uint64
	results []result
	venv    string // folder of the Python environment with Gunicorn; "": no comparison
	proxies bool   // behind proxies, instead of the matrix
	names   int    // file names that path has made
}

// path returns the path of a new file in r.dir.
func (r *runner) path(suffix string) string {
	r.names++
	return fmt.Sprintf("%s/%d%s", r.dir, r.names, suffix)
}
