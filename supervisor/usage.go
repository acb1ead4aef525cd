package supervisor

import (
	"os"
	"strconv"
	"strings"
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
		if m, err := statm(pid); err == nil {
			all[metrics.VirtualMemory] += m.size * page
			all[metrics.ResidentMemory] += (m.resident - m.shared) * page
			shared = max(shared, m.shared*page)
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

// memory is what /proc/PID/statm tells of a process, in pages (proc(5)).
type memory struct{ size, resident, shared float64 }

// statm reads the memory of a process. It needs three system calls, and os.ReadFile twice as
// many: with 64 workers that is most of what a scrape of /metrics takes.
func statm(pid int) (m memory, err error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/statm", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return m, err
	}
	defer unix.Close(fd)
	var buf [128]byte // seven numbers of at most 16 digits
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return m, err
	}
	rest := string(buf[:n])
	for _, to := range []*float64{&m.size, &m.resident, &m.shared} {
		var number string
		number, rest, _ = strings.Cut(rest, " ")
		if *to, err = strconv.ParseFloat(number, 64); err != nil {
			return m, err
		}
	}
	return m, nil
}

// descriptorsOf returns how many descriptors a process has open, 0 if it cannot be read.
func descriptorsOf(pid int) int64 {
	name := "/proc/" + strconv.Itoa(pid) + "/fd"
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
