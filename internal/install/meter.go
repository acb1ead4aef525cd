package install

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/narwhal-server/narwhal/internal/model"
)

// meter shows the progress of a download: with a bar on a terminal, and elsewhere with a line
// for each quarter.
type meter struct {
	out         io.Writer
	total, seen int64 // in bytes; total is -1 if it is unknown
	quarters    int64 // number of quarters that were shown
	bar         *progressbar.ProgressBar
}

func newMeter(out io.Writer, total int64) *meter {
	m := &meter{out: out, total: total}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		m.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(out),
			progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	return m
}

func (m *meter) add(n int) {
	m.seen += int64(n)
	if m.bar != nil {
		m.bar.Add(n)
		return
	}
	if m.total <= 0 {
		return
	}
	if q := 4 * m.seen / m.total; q > m.quarters {
		m.quarters = q
		fmt.Fprintf(m.out, "  %d of %d MB\n", model.Megabytes(m.seen), model.Megabytes(m.total))
	}
}

// finish removes the bar.
func (m *meter) finish() {
	if m.bar != nil {
		m.bar.Finish()
	}
}
