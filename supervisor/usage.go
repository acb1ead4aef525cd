package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/metrics"
)

// usage returns what processes use of memory and descriptors, added up. It leaves out what
// it cannot read: a process may have ended.
func usage(pids []int) map[string]float64 {
	all := map[string]float64{}
	for _, pid := range pids {
		if n, err := control.Memory(pid); err == nil {
			all[metrics.ResidentMemory] += float64(n)
		}
		if fields := statOf(pid); fields != nil {
			all[metrics.VirtualMemory] += number(fields[statVirtual])
		}
		if dir, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
			names, _ := dir.Readdirnames(-1)
			dir.Close()
			all[metrics.OpenFDs] += float64(len(names))
		}
		var r unix.Rlimit
		if unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &r) == nil {
			all[metrics.MaxFDs] += float64(r.Cur)
		}
	}
	return all
}

// The fields of /proc/PID/stat after the name of the program, from 0 on: see proc(5).
const (
	statUser    = 11 // processor time in ticks
	statSystem  = 12
	statVirtual = 20 // bytes
)

// tick is the unit of times in /proc/PID/stat on Linux, whatever the kernel's own clock is.
const tick = 10 * time.Millisecond

// statOf returns the fields of /proc/PID/stat after the name, nil if it cannot be read.
func statOf(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) <= statVirtual {
		return nil
	}
	return fields
}

func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

// processorTime returns the processor time of a process, 0 if it cannot be read.
func processorTime(pid int) time.Duration {
	fields := statOf(pid)
	if fields == nil {
		return 0
	}
	return time.Duration(number(fields[statUser])+number(fields[statSystem])) * tick
}
