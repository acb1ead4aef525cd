package pidfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	if b, err := os.ReadFile(path); err != nil || string(b) != want {
		t.Errorf("the file has %q, %v; want %q", b, err, want)
	}
}

// A file that nobody holds is taken, whatever is in it: the number of a process
// that runs and is no narwhal, one that nobody has, an empty file, remains.
func TestTakeWhatIsFree(t *testing.T) {
	stranger := exec.Command("sleep", "300")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Wait()
	defer stranger.Process.Kill()
	path := filepath.Join(t.TempDir(), "pid")
	for _, text := range []string{fmt.Sprintln(stranger.Process.Pid), "999999999\n", "1\n", "", "\x00\x00\x00\x00", "123 456 789"} {
		write(t, path, text)
		f, err := Take(path)
		if err != nil {
			t.Errorf("with %q in it: %v", text, err)
			continue
		}
		if err := f.Write(); err != nil {
			t.Error(err)
		}
		wantText(t, path, fmt.Sprintln(os.Getpid()))
		f.Remove()
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("with %q in it the file was left: %v", text, err)
		}
	}
}

// Who holds the lock keeps it, and is named.
func TestHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	f, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := Take(path); !errors.As(err, &held) || held.Pid != os.Getpid() {
		t.Errorf("a second one got %v; want that process %d holds it", err, os.Getpid())
	}
	if pid, err := Holder(path); err != nil || pid != os.Getpid() {
		t.Errorf("Holder = %d, %v", pid, err)
	}
	// The next master has the same open file; its predecessor leaves without it.
	files, p := f.Pass(nil)
	fd, err := unix.FcntlInt(files[0].Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	p.FD = fd
	next := Receive(p)
	f.Leave() // and it lives on for a while, for its last requests
	defer f.Remove()
	if _, err := Take(path); !errors.As(err, &held) {
		t.Errorf("between the two masters somebody else got it: %v", err)
	}
	if err := next.Write(); err != nil {
		t.Error(err)
	}
	next.Remove()
	again, err := Take(path)
	if err != nil {
		t.Fatalf("after the next master's end, with the first one still there: %v", err)
	}
	again.Remove()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file was left: %v", err)
	}
	if _, err := Holder(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Holder of no file: %v", err)
	}
}

// A master that received the file and has not taken over leaves it as it is.
func TestReceivedAndNotOwned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	f, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Remove()
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.FcntlInt(f.file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	Receive(&Passed{Path: path, FD: fd}).Remove()
	wantText(t, path, fmt.Sprintln(os.Getpid()))
	if _, err := Take(path); err == nil {
		t.Error("the lock is gone")
	}
}

// Write takes the file again that somebody has removed or put another in place of.
func TestWriteAfterRemoval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	f, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Remove()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	wantText(t, path, fmt.Sprintln(os.Getpid()))
	var held *HeldError
	if _, err := Take(path); !errors.As(err, &held) {
		t.Errorf("it is not locked again: %v", err)
	}
}

// What is no pid file is refused, and unharmed.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("important"), strings.Repeat("an important line\n", 10))
	write(t, at("short"), "a=1\n")
	if err := os.Symlink(at("important"), at("link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"important": "it has 180 bytes, so it is something else",
		"short":     "there is more than a process ID in it, so it is something else",
		"link":      "it is a symbolic link",
		"fifo":      "it is not a regular file",
		"no/pid":    "the folder " + dir + "/no does not exist",
		".":         "is a directory",
	} {
		f, err := Take(at(name))
		if err == nil {
			f.Remove()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--pid") {
			t.Errorf("%s: %v; want %q and what to do", name, err, want)
		}
	}
	wantText(t, at("important"), strings.Repeat("an important line\n", 10))
	wantText(t, at("short"), "a=1\n")
}

// A file system without locks: the file is written all the same, and removed
// only if it still names this process.
func TestWithoutLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	none := func(*os.File) error { return unix.ENOLCK }
	f, err := take(path, none)
	if err != nil || !errors.Is(f.Unlocked, unix.ENOLCK) {
		t.Fatalf("take = %+v, %v; want a file without a lock", f, err)
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	wantText(t, path, fmt.Sprintln(os.Getpid()))
	f.Remove()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file was left: %v", err)
	}

	if f, err = take(path, none); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	write(t, path, "1\n") // another master's
	f.Remove()
	wantText(t, path, "1\n")
}

// A program that locks the file and is no narwhal is not to be stopped for it.
// flock(1) around narwhal, with the same file, is no conflict at all.
func TestLockOfAnotherProgram(t *testing.T) {
	if path := os.Getenv("NARWHAL_TEST_LOCK"); path != "" { // the other program
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, whole()); err != nil {
			t.Fatal(err)
		}
		fmt.Println("locked")
		io.Copy(io.Discard, os.Stdin)
		return
	}
	path := filepath.Join(t.TempDir(), "pid")
	write(t, path, "")
	stranger := exec.Command(os.Args[0], "-test.run=^TestLockOfAnotherProgram$")
	stranger.Env = append(os.Environ(), "NARWHAL_TEST_LOCK="+path)
	stdin, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := stranger.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Wait()
	defer stdin.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the other program said %q, %v", line, err)
	}
	want := fmt.Sprintf("process %d holds a lock on it and is no narwhal: choose another --pid", stranger.Process.Pid)
	if _, err := Take(path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "stop") {
		t.Errorf("Take = %v; want %q", err, want)
	}

	free := filepath.Join(t.TempDir(), "pid")
	write(t, free, "")
	fl, err := os.Open(free)
	if err != nil {
		t.Fatal(err)
	}
	defer fl.Close()
	if err := unix.Flock(int(fl.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	f, err := Take(free)
	if err != nil {
		t.Fatalf("under flock(1): %v", err)
	}
	f.Remove()
}

// A file whose master was killed is nobody's.
func TestHolderOfALeftover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	write(t, path, fmt.Sprintln(os.Getpid()))
	if _, err := Holder(path); !errors.Is(err, ErrFree) {
		t.Errorf("Holder of a file that is not locked: %v", err)
	}
}

func TestNil(t *testing.T) {
	var f *File
	f.Leave()
	f.Own()
	f.Remove()
	if err := f.Write(); err != nil {
		t.Error(err)
	}
	if files, p := f.Pass(nil); files != nil || p != nil {
		t.Errorf("Pass of no file: %v, %v", files, p)
	}
}
