package control

import (
	"bytes"
	"fmt"
	"os"
)

// Memory returns the memory of a process in bytes. Pages that several processes share,
// such as a model in the page cache, count in equal parts (PSS). If the kernel does not
// tell PSS, shared pages count in full (RSS).
func Memory(pid int) (int64, error) {
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err == nil {
		if _, after, ok := bytes.Cut(b, []byte("\nPss:")); ok {
			var kib int64
			if _, err := fmt.Sscanf(string(after), "%d kB", &kib); err == nil {
				return kib << 10, nil
			}
		}
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	var size, resident int64
	if _, err := fmt.Sscanf(string(b), "%d %d", &size, &resident); err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	return resident * int64(os.Getpagesize()), nil
}
