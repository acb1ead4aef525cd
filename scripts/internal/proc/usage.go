package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of the times in /proc/PID/stat: 1 / USER_HZ. USER_HZ is 100 on every
// Linux on which Go runs.
const tick = time.Second / 100

// stat is the part of /proc/PID/stat that is used here.
type stat struct {
	state  string
	parent int
	cpu    time.Duration // user and system time, also of children that it has waited for
}

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(b))
}

// parseStat parses a line of /proc/PID/stat. The program's name in it may contain spaces
// and parentheses, so it begins after the last parenthesis.
func parseStat(line string) (stat, error) {
	f := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(f) < 15 {
		return stat{}, fmt.Errorf("a stat line of %d fields: want at least 15 behind the name", len(f))
	}
	var n [5]int64 // ppid, utime, stime, cutime, cstime
	for i, at := range []int{1, 11, 12, 13, 14} {
		v, err := strconv.ParseInt(f[at], 10, 64)
		if err != nil {
			return stat{}, err
		}
		n[i] = v
	}
	return stat{f[0], int(n[0]), time.Duration(n[1]+n[2]+n[3]+n[4]) * tick}, nil
}

// CPU returns the processor time of processes, including the children that they have waited
// for. Processes that have ended do not count.
func CPU(pids ...int) (sum time.Duration) {
	for _, pid := range pids {
		if s, err := readStat(pid); err == nil {
			sum += s.cpu
		}
	}
	return sum
}

// Clock returns the processor time of processes to the nanosecond, as CPU does not, but
// without their children. Processes that have ended do not count. The number of a process's
// clock is that of clock_getcpuclockid(3).
func Clock(pids ...int) (sum time.Duration) {
	const sched = 2 // the clock counts user and system time
	for _, pid := range pids {
		var t unix.Timespec
		if unix.ClockGettime(int32(^pid)<<3|sched, &t) == nil {
			sum += time.Duration(t.Nano())
		}
	}
	return sum
}

// Stolen returns for how long, since this machine started, its host gave the processors to
// other guests while this one had work for them (proc(5), steal).
func Stolen() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseStolen(string(b))
}

func parseStolen(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q: want cpu and at least 8 times", line)
	}
	n, err := strconv.ParseInt(f[8], 10, 64)
	return time.Duration(n) * tick, err
}

// PSS returns the memory of processes in bytes. A page that several processes share counts
// in equal parts, so it counts once if all of these are among pids. Processes that have
// ended do not count.
func PSS(pids ...int) (sum int64, err error) {
	for _, pid := range pids {
		n, err := pss(pid)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func pss(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no Pss in smaps_rollup of process %d", pid)
}

// Descriptors returns how many descriptors a process has open. It fails if the process has
// ended.
func Descriptors(pid int) (int, error) {
	d, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(d), err
}
