package folder

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary is also started as a process of another user. That process prints what
// Check returns.
func TestMain(m *testing.M) {
	if path := os.Getenv("NARWHAL_TEST_FOLDER"); path != "" {
		if p := Check(path); p != nil {
			fmt.Println(p.Error())
		}
		return
	}
	os.Exit(m.Run())
}

// asNobody returns what Check says to a user without rights. If the test runs as root,
// the process that calls Check becomes such a user. Any other user has no rights here.
func asNobody(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{"NARWHAL_TEST_FOLDER=" + path}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} { // so that other users can enter
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"x":       nil,
		"a/b/x":   {"the folder " + dir + "/a does not exist: make it (mkdir -p " + dir + "/a/b), or choose another place"},
		"file/x":  {dir + "/file is not a folder"},
		"file/y/": {dir + "/file is not a folder"},
	} {
		got := ""
		if p := Check(filepath.Join(dir, path)); p != nil {
			got = p.Error()
		}
		if (got == "") != (want == nil) || want != nil && !strings.Contains(got, want[0]) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"/tmp/x":            "",
		"/x":                "cannot write to the folder /, which belongs to root (dr",
		"/narwhal-none/a/x": "cannot make it in /, which belongs to root: let root make it for you (install -d -o ",
	} {
		if got := asNobody(t, path); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if os.Geteuid() != 0 { // the user of the test owns dir
		return
	}
	for path, want := range map[string]string{
		dir + "/x":         "cannot write to the folder " + dir + ", which belongs to root (drwxr-xr-x)",
		dir + "/a/x":       "the folder " + dir + "/a does not exist, and user nobody cannot make it in " + dir + ", which belongs to root: let root make it for you (install -d -o nobody " + dir + "/a)",
		dir + "/closed/x":  "cannot write to the folder " + dir + "/closed, which belongs to root (drwx------)",
		dir + "/closed/a/": "cannot enter the folder " + dir + "/closed, which belongs to root (drwx------)",
	} {
		if strings.HasSuffix(path, "/") {
			path += "x"
		}
		if got := asNobody(t, path); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// Check distinguishes a read-only file system from a closed folder.
func TestReadOnlyFileSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("this takes root, to mount a file system")
		}
		t.Skip("NOT RUN: this takes root, to mount a file system")
	}
	dir := t.TempDir()
	got := make(chan *Problem, 1)
	errs := make(chan error, 1)
	go func() {
		// The thread gets a mount namespace of its own, and ends with the goroutine.
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = unix.Mount("none", dir, "tmpfs", unix.MS_RDONLY, "")
		}
		got <- Check(filepath.Join(dir, "x"))
		errs <- err
	}()
	p := <-got
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	if want := "the folder " + dir + " is on a file system that is read-only: choose another place"; p == nil || p.Error() != want {
		t.Errorf("%v, want %q", p, want)
	}
}
