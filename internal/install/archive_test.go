package install

import (
	"os"
	"testing"

	"github.com/narwhal-server/narwhal/internal/model/modeltest"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// TestAddWheelRefused has wheels whose headers have a wrong size of a file. Nothing of them is
// installed.
func TestAddWheelRefused(t *testing.T) {
	for name, wheel := range map[string][]byte{
		"small": modeltest.Lie(t, 3),
		"large": modeltest.Lie(t, 50),
		"huge":  modeltest.Lie(t, uint64(pipeline.MaxSize)+1),
		"bomb":  modeltest.Bomb(t),
	} {
		p := places(t)
		if _, err := Add(p, modeltest.WriteFile(t, "x.whl", wheel), "x", nil); err == nil {
			t.Errorf("%s: installed without an error", name)
		}
		if left, _ := os.ReadDir(p.User); len(left) != 0 {
			t.Errorf("%s: %v is left behind", name, left)
		}
	}
}
