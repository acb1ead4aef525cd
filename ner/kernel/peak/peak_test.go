package peak

import (
	"slices"
	"testing"

	"github.com/narwhal-server/narwhal/ner/kernel"
)

// TestGFLOPS checks that the peak is not 0 if the assembly can run, and 0 otherwise.
func TestGFLOPS(t *testing.T) {
	assembly := !slices.Equal(kernel.Variants(), []string{"generic"})
	if got := GFLOPS(); (got > 0) != assembly {
		t.Errorf("peak = %v GFLOP/s with the variants %v", got, kernel.Variants())
	}
}
