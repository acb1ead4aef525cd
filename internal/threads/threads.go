// Package threads makes the threads of a Go program before they are needed.
//
// The Go runtime starts another thread when all others are busy or wait in the
// kernel, and a program that cannot have one ends at once. So a limit of processes
// (RLIMIT_NPROC, pids.max), which counts threads too, would kill a server that
// serves, whoever has used it up.
package threads

import (
	"runtime"
	"sync"
)

// Reserve starts n threads beyond GOMAXPROCS. They sleep until the runtime needs them,
// and they live as long as the process.
func Reserve(n int) {
	n += runtime.GOMAXPROCS(0)
	var there sync.WaitGroup
	all := make(chan struct{})
	for range n {
		there.Add(1)
		go func() {
			runtime.LockOSThread() // so that each has one of its own
			defer runtime.UnlockOSThread()
			there.Done()
			<-all
		}()
	}
	there.Wait()
	close(all)
}
