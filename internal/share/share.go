// Package share gives the workers of a master common memory, in memfds that they
// inherit: [Floats] one copy of values that all workers compute alike, such as the
// packed weights of a network; [Words] memory that all of them write, such as a cache.
//
// For Floats, the first worker writes its copy and seals the file: from then on the
// kernel refuses every write. A worker that finds the file sealed compares it with its
// own values, and uses the file only if they are equal. So no worker has to trust
// another. Workers that start together write the same bytes to the same places. A
// worker that dies while it writes leaves a file without a seal, and the next worker
// writes it again.
package share

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/wire"
)

// New makes an empty memfd. /proc/PID/maps shows it under this name.
func New(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memory to share: memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Inherited returns the two files that the master made for this worker's generation:
// one for Floats, one for Words.
func Inherited() (floats, words *os.File) {
	return os.NewFile(wire.SharedFD, "shared"), os.NewFile(wire.ScratchFD, "scratch")
}

// ErrOther says that the file holds something else.
var ErrOther = errors.New("the shared memory holds other values")

// sealed are the seals that make the file constant.
const sealed = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW

// Floats returns copies of the parts that lie in the file's memory, each at the
// beginning of a cache line. The caller must not write to them. They stay mapped until
// the process ends. If there is an error, the caller keeps its own copies.
func Floats(file *os.File, parts [][]float32) ([][]float32, error) {
	const line = 64
	starts, size := make([]int, len(parts)), 0
	for i, p := range parts {
		starts[i] = size
		size += (4*len(p) + line - 1) / line * line
	}
	if size == 0 {
		return parts, nil
	}
	fd := int(file.Fd())
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	if seals&unix.F_SEAL_WRITE == 0 {
		if err := write(fd, parts, starts, size); err != nil {
			return nil, err
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	if st.Size != int64(size) {
		return nil, ErrOther
	}
	// The mapping is private, because kernels before 6.7 cannot map a sealed file as
	// shared, not even for reading. Pages that are only read are shared all the same.
	mem, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("shared memory: mmap: %w", err)
	}
	moved := make([][]float32, len(parts))
	for i, p := range parts {
		if len(p) == 0 {
			continue
		}
		if !bytes.Equal(mem[starts[i]:][:4*len(p)], raw(p)) {
			_ = unix.Munmap(mem)
			return nil, ErrOther
		}
		moved[i] = unsafe.Slice((*float32)(unsafe.Pointer(&mem[starts[i]])), len(p))
	}
	return moved, nil
}

// raw returns the bytes of the values; there is at least one.
func raw(p []float32) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&p[0])), 4*len(p)) }

// write fills the file and seals it. It is no error if another worker has sealed the
// file meanwhile: the caller compares the content.
func write(fd int, parts [][]float32, starts []int, size int) error {
	err := unix.Ftruncate(fd, int64(size))
	for i, p := range parts {
		if len(p) > 0 && err == nil {
			err = writeAt(fd, raw(p), int64(starts[i]))
		}
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, sealed)
	}
	if err != nil && err != unix.EPERM {
		return fmt.Errorf("shared memory: %w", err)
	}
	return nil
}

func writeAt(fd int, b []byte, at int64) error {
	for len(b) > 0 {
		n, err := unix.Pwrite(fd, b, at)
		if err != nil && err != unix.EINTR {
			return err
		}
		n = max(n, 0)
		b, at = b[n:], at+int64(n)
	}
	return nil
}

// Words returns the file's memory as n words, which are zero at first. All processes
// that have the file read and write them. The first caller decides how many there are:
// for another n the error is ErrOther.
func Words(file *os.File, n int) ([]atomic.Uint64, error) {
	const word = 8
	fd, size := int(file.Fd()), int64(n*word)
	if n == 0 {
		return nil, nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	if st.Size == 0 {
		// Several workers may do this at once: they set the same size. After the seal
		// no process can make the file smaller while others use it.
		err := unix.Ftruncate(fd, size)
		if err == nil {
			_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW)
		}
		if err != nil && err != unix.EPERM {
			return nil, fmt.Errorf("shared memory: %w", err)
		}
		if err := unix.Fstat(fd, &st); err != nil {
			return nil, fmt.Errorf("shared memory: %w", err)
		}
	}
	if st.Size != size {
		return nil, ErrOther
	}
	mem, err := unix.Mmap(fd, 0, n*word, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("shared memory: mmap: %w", err)
	}
	return unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&mem[0])), n), nil
}
