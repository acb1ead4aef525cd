package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// collectOften keeps the heap close to what is in use, unless the operator has
// said how much garbage there may be. Where nearly none is made, as in the master
// and in a worker with spaCy's pipeline, it costs nothing one can measure.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(20)
	}
}

// giveBack gives the system back what only starting needed: garbage, and the pages
// of the program itself. They come back as they are read again, from the page
// cache, and most of them are not.
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
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var from, to uintptr
		var mode string
		if _, err := fmt.Sscanf(sc.Text(), "%x-%x %s", &from, &to, &mode); err != nil || mode[1] != '-' || !strings.HasSuffix(sc.Text(), " "+self) {
			continue
		}
		// Nothing was ever written to it, so there is nothing to lose.
		unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
	}
}
