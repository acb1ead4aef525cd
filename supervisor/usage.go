package supervisor

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/metrics"
)

// usage returns what processes use of memory and descriptors, added up. It leaves out what
// it cannot read: a process may have ended.
//
// Of memory, it adds up what each process has for itself, and once the most that one of
// them shares: all of them map the same program, the same model and the same board. The
// kernel has these numbers ready. Proportional set sizes (control.Memory) are more exact,
// but cost a walk through all pages of all processes.
func usage(pids []int) map[string]float64 {
	all := map[string]float64{}
	var shared float64
	page := float64(os.Getpagesize())
	for _, pid := range pids {
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
			var m struct{ size, resident, shared float64 } // in pages, see proc(5)
			if _, err := fmt.Sscan(string(b), &m.size, &m.resident, &m.shared); err == nil {
				all[metrics.VirtualMemory] += m.size * page
				all[metrics.ResidentMemory] += (m.resident - m.shared) * page
				shared = max(shared, m.shared*page)
			}
		}
		all[metrics.OpenFDs] += float64(descriptorsOf(pid))
		var r unix.Rlimit
		if unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &r) == nil {
			all[metrics.MaxFDs] += float64(r.Cur)
		}
	}
	all[metrics.ResidentMemory] += shared
	return all
}

// descriptorsOf returns how many descriptors a process has open, 0 if it cannot be read.
func descriptorsOf(pid int) int64 {
	name := fmt.Sprintf("/proc/%d/fd", pid)
	if info, err := os.Stat(name); err == nil && info.Size() > 0 {
		return info.Size() // since Linux 6.2
	}
	dir, err := os.Open(name)
	if err != nil {
		return 0
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return int64(len(names))
}

// processorTime returns the processor time of a process, 0 if it cannot be read. The number
// of a process's clock is that of clock_getcpuclockid(3).
func processorTime(pid int) time.Duration {
	const sched = 2 // the clock counts user and system time in nanoseconds
	var t unix.Timespec
	if unix.ClockGettime(int32(^pid)<<3|sched, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
