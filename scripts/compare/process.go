package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ, 100 on every Linux Go
// runs on.
const tick = time.Second / 100

// stat is what /proc/PID/stat says that we need.
type stat struct {
	parent int
	cpu    time.Duration // user and system, of dead and awaited children too
}

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(b))
}

// parseStat skips the program's name, which may hold spaces and parentheses.
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
	return stat{int(n[0]), time.Duration(n[1]+n[2]+n[3]+n[4]) * tick}, nil
}

// stolen is how long the processors have been with other guests of the machine
// below, though this one had work for them, since it started (proc(5), steal).
func stolen() (time.Duration, error) {
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

// tree gives root and all its descendants.
func tree(root int) []int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	children := map[int][]int{}
	for _, d := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(d))
		if s, err := readStat(pid); err == nil {
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// treeCPU is the CPU time of all these processes.
func treeCPU(pids []int) (sum time.Duration) {
	for _, pid := range pids {
		if s, err := readStat(pid); err == nil {
			sum += s.cpu
		}
	}
	return sum
}

// treePSS is their memory in bytes, with each shared page counted once.
func treePSS(pids []int) (sum int64, err error) {
	for _, pid := range pids {
		n, err := pss(pid)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func pss(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if rest, ok := strings.CutPrefix(sc.Text(), "Pss:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kb * 1024, err
		}
	}
	return 0, fmt.Errorf("no Pss in smaps_rollup of %d", pid)
}
