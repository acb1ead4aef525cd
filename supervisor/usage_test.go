package supervisor

import (
	"os"
	"testing"

	"github.com/narwhal-server/narwhal/internal/metrics"
)

func TestUsageOfOneProcess(t *testing.T) {
	pid := os.Getpid()
	one := usage([]int{pid})
	for _, name := range []string{metrics.VirtualMemory, metrics.ResidentMemory, metrics.OpenFDs, metrics.MaxFDs} {
		if one[name] <= 0 {
			t.Errorf("%s is %g", name, one[name])
		}
	}
	if one[metrics.ResidentMemory] >= one[metrics.VirtualMemory] {
		t.Errorf("%g bytes of memory in an address space of %g", one[metrics.ResidentMemory], one[metrics.VirtualMemory])
	}
	if with := usage([]int{pid, 0}); with[metrics.MaxFDs] < one[metrics.MaxFDs] {
		t.Error("a process that is not there takes from the sum")
	}
}

func TestDescriptorsOf(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	before := descriptorsOf(os.Getpid())
	f.Close()
	if after := descriptorsOf(os.Getpid()); after != before-1 {
		t.Errorf("%d descriptors, after one was closed %d", before, after)
	}
	if n := descriptorsOf(-1); n != 0 {
		t.Errorf("a process that is not there has %d descriptors", n)
	}
}

func TestProcessorTime(t *testing.T) {
	const rounding = 20e6 // two ticks: some kernels count getrusage in ticks
	before := ownCPU()
	got := uint64(processorTime(os.Getpid()))
	if after := ownCPU(); got+rounding < before || got > after+rounding {
		t.Errorf("processor time %d, by getrusage %d before and %d after", got, before, after)
	}
	// proc(5): no process has a pid above 1<<22.
	if d := processorTime(1<<22 + 1); d != 0 {
		t.Errorf("a process that is not there has used %s", d)
	}
}
