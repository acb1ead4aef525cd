// Package cgroup reads how much of the machine this process may use: how many processors,
// and how much memory. It knows version 1 and version 2 of the kernel's control groups.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits are what the process may use. Groups are nested, and each group on the way to
// the root can have limits. The smallest one counts.
type Limits struct {
	Processors int     // in the affinity mask of the process, or the number in the variable GOMAXPROCS
	Quota      float64 // processors that the process may use on average; 0: no quota
	QuotaFile  string  // where Quota was read
	Memory     int64   // bytes; 0: no limit
	MemoryFile string  // where Memory was read
}

// Cores returns how many processors the process can keep busy without being stopped by
// the kernel: Processors, or the Quota, rounded down, if that is less. It is at least 1.
func (l Limits) Cores() int {
	n := l.Processors
	if l.Quota > 0 {
		n = min(n, int(l.Quota))
	}
	return max(n, 1)
}

// Read reads the limits as they are now. If it fails, the limits are those that could be
// read.
func Read() (Limits, error) {
	l, err := read(os.DirFS("/"))
	l.Processors = runtime.NumCPU() // of the start of this process
	var mask unix.CPUSet
	if unix.SchedGetaffinity(0, &mask) == nil { // it fails on machines with more than 1024 processors
		l.Processors = mask.Count()
	}
	if n, err := strconv.Atoi(os.Getenv("GOMAXPROCS")); err == nil && n > 0 {
		l.Processors = n
	}
	return l, err
}

// read reads the limits of groups. system is the root of the file system.
func read(system fs.FS) (Limits, error) {
	var l Limits
	groups, err := fs.ReadFile(system, "proc/self/cgroup")
	if err != nil {
		return l, fmt.Errorf("read the groups of this process: %w", err)
	}
	mountinfo, err := fs.ReadFile(system, "proc/self/mountinfo")
	if err != nil {
		return l, fmt.Errorf("read the mounts of this process: %w", err)
	}
	mounts := parseMounts(string(mountinfo))
	var errs []error
	for _, f := range folders(string(groups), mounts, "cpu") {
		quota, file, err := f.quota(system)
		if errs = append(errs, err); quota > 0 && (l.Quota == 0 || quota < l.Quota) {
			l.Quota, l.QuotaFile = quota, file
		}
	}
	for _, f := range folders(string(groups), mounts, "memory") {
		for _, name := range f.memoryFiles() {
			bytes, err := f.number(system, name)
			if errs = append(errs, err); bytes > 0 && bytes < unlimited && (l.Memory == 0 || bytes < l.Memory) {
				l.Memory, l.MemoryFile = bytes, path.Join(f.path, name)
			}
		}
	}
	return l, errors.Join(errs...)
}

// unlimited is less than the number that version 1 has in memory.limit_in_bytes if there
// is no limit, and more than any machine's memory.
const unlimited = math.MaxInt64 / 2

// folder is the folder of a group.
type folder struct {
	path string
	v2   bool
}

// folders returns the folder of each group whose limits for a controller bind the
// process: its own group and those around it. groups is the text of /proc/self/cgroup.
// Groups that are not mounted here, such as those outside of a container, are left out.
func folders(groups string, mounts []mount, controller string) []folder {
	var group string
	v2, found := true, false
	// A line is: hierarchy:controllers:path. Version 2 is hierarchy 0. A controller that
	// version 1 has does not exist in version 2.
	for line := range strings.Lines(groups) {
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, where, _ := strings.Cut(rest, ":")
		switch {
		case has(controllers, controller):
			group, v2, found = where, false, true
		case id == "0" && !found:
			group, found = where, true
		}
	}
	var all []folder
	for _, m := range mounts {
		if found && m.v2 == v2 && (v2 || has(m.options, controller)) {
			for _, dir := range m.chain(group) {
				all = append(all, folder{dir, v2})
			}
		}
	}
	return all
}

// has reports whether a list with commas has a word.
func has(list, word string) bool { return strings.Contains(","+list+",", ","+word+",") }

// quota returns how many processors a group may use on average, and the file that says so.
func (f folder) quota(system fs.FS) (processors float64, file string, err error) {
	name := "cpu.cfs_quota_us"
	if f.v2 {
		name = "cpu.max"
	}
	quota, period := "", ""
	switch words, err := f.words(system, name); {
	case err != nil || len(words) == 0:
		return 0, "", err
	case f.v2 && len(words) == 2:
		quota, period = words[0], words[1]
	case !f.v2:
		p, err := f.words(system, "cpu.cfs_period_us")
		if err != nil || len(p) == 0 {
			return 0, "", err
		}
		quota, period = words[0], p[0]
	}
	file = path.Join(f.path, name)
	if quota == "max" || quota == "-1" {
		return 0, "", nil
	}
	q, err1 := strconv.ParseUint(quota, 10, 63)
	p, err2 := strconv.ParseUint(period, 10, 63)
	if err1 != nil || err2 != nil || p == 0 {
		return 0, "", fmt.Errorf("%s: %q of %q is not a quota and a period in microseconds", file, quota, period)
	}
	return float64(q) / float64(p), file, nil
}

// memoryFiles returns the names of files with a limit of memory. Above memory.high the
// kernel slows the processes down, above the others it kills one.
func (f folder) memoryFiles() []string {
	if f.v2 {
		return []string{"memory.max", "memory.high"}
	}
	return []string{"memory.limit_in_bytes"}
}

// number returns the number in a file, or 0 if there is no file or the file says max.
func (f folder) number(system fs.FS, name string) (int64, error) {
	words, err := f.words(system, name)
	if err != nil || len(words) == 0 || words[0] == "max" {
		return 0, err
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not a number of bytes", path.Join(f.path, name), words[0])
	}
	return n, nil
}

// words returns the words of a file. A file that does not exist has none: the root group
// has no limits, and a group may be without a controller.
func (f folder) words(system fs.FS, name string) ([]string, error) {
	b, err := fs.ReadFile(system, strings.TrimPrefix(path.Join(f.path, name), "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(string(b)), err
}
