package regular

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Open does not wait for any kind of file, whether for reading or for writing. The error
// names the kind of a file that it refuses.
func TestKinds(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, name := range []string{"file", "fifo"} {
		if err := os.Symlink(name, at("link to "+name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, kind := range map[string]string{
		at("file"): "", at("link to file"): "", at("folder"): "a folder", at("fifo"): "a FIFO", at("link to fifo"): "a FIFO",
		at("socket"): "a socket", "/dev/null": "a device",
	} {
		for _, flag := range []int{os.O_RDONLY, os.O_WRONLY | os.O_APPEND | os.O_CREATE, os.O_RDWR} {
			f, err := Open(path, flag, 0o600, 0)
			if err == nil {
				f.Close()
			}
			if refused := (*Error)(nil); kind == "" && err != nil || kind != "" && (!errors.As(err, &refused) || refused.Kind != kind) {
				t.Errorf("%s: %v, want %q", path, err, kind)
			}
		}
	}
	f, err := Open("/dev/null", os.O_WRONLY, 0, Devices)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := Open(at("fifo"), os.O_WRONLY, 0, Devices); err == nil {
		t.Error("a FIFO is no device")
	}
	if b, err := Read(at("file"), 4); string(b) != "text" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	if _, err := Read(at("file"), 3); err == nil {
		t.Error("more than the limit was read")
	}
}

// Open leaves files in blocking mode. All processes that share an open file share its
// mode.
func TestOpenFilesBlock(t *testing.T) {
	for path, other := range map[string]os.FileMode{filepath.Join(t.TempDir(), "f"): 0, "/dev/null": Devices} {
		f, err := Open(path, os.O_WRONLY|os.O_CREATE, 0o600, other)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%s: flags %#x, %v", path, flags, err)
		}
	}
}
