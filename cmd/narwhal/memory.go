package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// collectOften makes Go collect garbage when the heap has grown by 20 %, not 100 %. It
// does nothing if the operator has set GOGC. It is for processes that make almost no
// garbage: the master, and a worker with a spaCy pipeline. There it costs no time that
// can be measured.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(20)
	}
}

// giveBack returns memory to the system that only the start needed: garbage, and the
// pages of the program's file. When the process uses such a page again, the kernel maps
// it from the page cache. Most of the pages are never used again.
func giveBack() {
	debug.FreeOSMemory()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer f.Close()
	// A line of maps is: from-to mode offset device inode path. mode is such as r-xp.
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var from, to uintptr
		var mode string
		if _, err := fmt.Sscanf(sc.Text(), "%x-%x %s", &from, &to, &mode); err != nil || mode[1] != '-' || !strings.HasSuffix(sc.Text(), " "+self) {
			continue
		}
		// The mapping is not writable, so no data is lost.
		unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
	}
}
