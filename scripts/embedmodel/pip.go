package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// installPip installs Debian's python3-pip, and says so on out before. It does nothing
// unless root runs it and apt-get exists. It writes a failure to out.
func installPip(ctx context.Context, root bool, out io.Writer) {
	apt, err := exec.LookPath("apt-get")
	if err != nil || !root {
		return
	}
	fmt.Fprintln(out, "there is no pip, so apt-get installs python3-pip, to fetch spaCy's model with it; the program itself needs no Python")
	for _, args := range [][]string{
		{"update", "-qq"},
		{"install", "-y", "-qq", "--no-install-recommends", "python3-pip"},
	} {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = 10 * time.Second
		if said, err := cmd.CombinedOutput(); err != nil {
			lines := strings.Split(strings.TrimSpace(string(said)), "\n")
			fmt.Fprintf(out, "apt-get %s ended with %v (%s)\n", args[0], err, lines[len(lines)-1])
			return
		}
	}
}
