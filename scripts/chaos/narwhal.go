package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

var narwhal = &product{
	name:    "narwhal",
	listens: regexp.MustCompile(logevent.Listening.Text() + ` .*address=(127\.0\.0\.1:\d+)`),
	ready:   regexp.MustCompile(logevent.WorkerReady.Text() + ` .*worker_pid=(\d+)`),
	start:   startNarwhal,
	upgrade: upgradeNarwhal,
}

// modes are narwhal's modes. The long form tries every event on each, the short form on
// two of them.
var modes = []variant{
	{product: narwhal, name: "sync", args: []string{"-k", "sync"}, sync: true},
	{product: narwhal, name: "concurrent, pinned", args: []string{"-k", "concurrent", "--keep-alive-mode", "pinned"}, pinned: true, short: true},
	{product: narwhal, name: "concurrent, parked", args: []string{"-k", "concurrent", "--keep-alive-mode", "parked"}},
	{product: narwhal, name: "sync, parked", args: []string{"-k", "sync", "--keep-alive-mode", "parked"}, sync: true, short: true},
}

func startNarwhal(r *runner, v variant, args []string) (*exec.Cmd, map[string]string, error) {
	path := r.path(".sock")
	all := []string{
		"-w", strconv.Itoa(v.size()), "-b", "127.0.0.1:0", "-b", "unix:" + path,
		"--model", r.model, "--control-socket", path + ".ctl",
	}
	all = append(append(all, v.args...), args...)
	if !strings.Contains(strings.Join(all, " "), " -c ") {
		file := r.path(".toml") // not a narwhal.toml that may be in this folder
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return nil, nil, err
		}
		all = append(all, "-c", file)
	}
	program := v.program
	if program == "" {
		program = r.narwhal
	}
	cmd := exec.Command(program, all...)
	cmd.Env = proc.Environ()
	return cmd, map[string]string{"unix": path}, nil
}

// tell runs a command such as narwhal scale 1. It fails if the command does.
func (s *server) tell(ctx context.Context, command string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all := append([]string{command, "--control-socket", s.addrs["unix"] + ".ctl"}, args...)
	cmd := exec.CommandContext(ctx, s.r.narwhal, all...)
	cmd.Env = proc.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("narwhal %s: %w: %s", strings.Join(all, " "), err, out)
	}
	return nil
}

var narwhalMaster = regexp.MustCompile(logevent.UpgradeStarted.Text() + ` .*new_pid=(\d+)`)

func upgradeNarwhal(ctx context.Context, s *server) error {
	taken := logevent.UpgradeTakenOver.Text()
	before, old := s.workers(), s.pid
	done := s.count(taken)
	if err := s.newMaster(ctx, narwhalMaster); err != nil {
		return err
	}
	if err := s.awaitSaid(ctx, done+1, taken); err != nil {
		s.pid = old
		return err
	}
	return s.replaced(ctx, before)
}
