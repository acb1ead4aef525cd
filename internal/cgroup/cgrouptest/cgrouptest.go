// Package cgrouptest makes real control groups for tests.
package cgrouptest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// Group is a control group with limits. With version 1 it is one for each controller. It
// has a group inside of it, without limits, for the processes.
type Group struct {
	t           testing.TB
	cpu, memory string // folders
	v2          bool
}

var made atomic.Int32

// Make makes a group without limits. The group is removed when the test ends, so its
// processes must have ended then. If no group can be made, Make skips the test, or fails
// it in CI.
func Make(t testing.TB) *Group {
	t.Helper()
	name := fmt.Sprintf("narwhal-test-%d-%d", os.Getpid(), made.Add(1))
	const root = "/sys/fs/cgroup"
	v1 := &Group{t: t, cpu: filepath.Join(root, "cpu", name), memory: filepath.Join(root, "memory", name)}
	if v1.make("cpu.cfs_quota_us", "memory.limit_in_bytes") {
		return v1
	}
	v2 := &Group{t: t, cpu: filepath.Join(root, name), memory: filepath.Join(root, name), v2: true}
	// It fails if the controllers are passed on already, or cannot be.
	_ = os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+cpu +memory"), 0o600)
	if v2.make("cpu.max", "memory.max") {
		return v2
	}
	const why = "no control group with limits of processors and memory can be made here: it takes root, and the two controllers"
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip("NOT RUN: " + why)
	return nil
}

// make makes the folders. It reports whether they have the files of the controllers.
func (g *Group) make(cpuFile, memoryFile string) bool {
	dirs := []string{g.cpu, g.memory}
	if g.v2 {
		dirs = dirs[:1]
	}
	for _, dir := range dirs {
		if os.Mkdir(dir, 0o755) != nil {
			return false
		}
		g.t.Cleanup(func() { remove(g.t, dir) })
		if os.Mkdir(filepath.Join(dir, "inner"), 0o755) != nil {
			return false
		}
	}
	_, err1 := os.Stat(filepath.Join(g.cpu, cpuFile))
	_, err2 := os.Stat(filepath.Join(g.memory, memoryFile))
	return err1 == nil && err2 == nil
}

// remove removes a group and the one inside of it. Its processes may still be dying.
func remove(t testing.TB, dir string) {
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_ = os.Remove(filepath.Join(dir, "inner")) // it may be gone already
		if err = os.Remove(dir); err == nil {
			return
		}
	}
	t.Errorf("the group is still there: %v", err)
}

// SetProcessors limits the time of the group's processes to that of a number of
// processors.
func (g *Group) SetProcessors(n float64) {
	g.t.Helper()
	quota := int(n * 100_000)
	if g.v2 {
		g.write(filepath.Join(g.cpu, "cpu.max"), fmt.Sprintf("%d 100000", quota))
		return
	}
	g.write(filepath.Join(g.cpu, "cpu.cfs_period_us"), "100000")
	g.write(filepath.Join(g.cpu, "cpu.cfs_quota_us"), fmt.Sprint(quota))
}

// SetMemory limits the memory of the group's processes together.
func (g *Group) SetMemory(bytes int64) {
	g.t.Helper()
	if g.v2 {
		g.write(filepath.Join(g.memory, "memory.max"), fmt.Sprint(bytes))
		return
	}
	g.write(filepath.Join(g.memory, "memory.limit_in_bytes"), fmt.Sprint(bytes))
}

// Join puts a process into the group, with the processes that it starts from then on.
func (g *Group) Join(pid int) {
	g.t.Helper()
	for _, file := range g.Procs() {
		g.write(file, fmt.Sprint(pid))
	}
}

// Procs returns the files that put a process into the group when its pid is written to
// each of them.
func (g *Group) Procs() []string {
	files := []string{filepath.Join(g.cpu, "inner", "cgroup.procs")}
	if !g.v2 {
		files = append(files, filepath.Join(g.memory, "inner", "cgroup.procs"))
	}
	return files
}

func (g *Group) write(file, text string) {
	g.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}
