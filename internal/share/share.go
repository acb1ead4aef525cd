// Package share keeps one copy of what all workers of a master compute alike,
// such as the packed weights of a network, in a memfd that they inherit.
//
// The first worker writes its copy and seals the file: from then on the kernel
// refuses every write. Whoever finds it sealed compares it with what it has
// computed itself, and uses the file's only if they are equal, so that nothing
// about the file has to be trusted. Workers that start together all write the
// same bytes to the same places; one that dies while it writes leaves a file
// without a seal, which the next one writes again.
package share

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// New makes an empty file to share.
func New() (*os.File, error) {
	fd, err := unix.MemfdCreate("narwhal-share", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memory to share: memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), "narwhal-share"), nil
}

// ErrOther says that the file holds something else.
var ErrOther = errors.New("the shared memory holds other values")

// sealed is what makes the file constant.
const sealed = unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW

// Floats returns equal copies of the parts in the file's memory, each at the
// beginning of a cache line. They must not be written to, and stay mapped as long
// as the process lives. With an error the caller goes on with its own.
func Floats(file *os.File, parts [][]float32) ([][]float32, error) {
	image, starts := layout(parts)
	if len(image) == 0 {
		return parts, nil
	}
	fd := int(file.Fd())
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	if seals&unix.F_SEAL_WRITE == 0 {
		if err := write(fd, image); err != nil {
			return nil, err
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	if st.Size != int64(len(image)) {
		return nil, ErrOther
	}
	// Private, because kernels before 6.7 do not map a sealed file as shared even
	// for reading. Pages that nobody writes are shared all the same.
	mem, err := unix.Mmap(fd, 0, len(image), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("shared memory: mmap: %w", err)
	}
	if !bytes.Equal(mem, image) {
		_ = unix.Munmap(mem)
		return nil, ErrOther
	}
	moved := make([][]float32, len(parts))
	for i, p := range parts {
		if len(p) > 0 {
			moved[i] = unsafe.Slice((*float32)(unsafe.Pointer(&mem[starts[i]])), len(p))
		}
	}
	return moved, nil
}

// layout puts the parts one after the other.
func layout(parts [][]float32) (image []byte, starts []int) {
	const line = 64
	size := 0
	for _, p := range parts {
		starts = append(starts, size)
		size += (4*len(p) + line - 1) / line * line
	}
	image = make([]byte, size)
	for i, p := range parts {
		if len(p) > 0 {
			copy(image[starts[i]:], unsafe.Slice((*byte)(unsafe.Pointer(&p[0])), 4*len(p)))
		}
	}
	return image, starts
}

// write fills the file and seals it. That somebody else has sealed it meanwhile
// is no error: what it holds then will be compared.
func write(fd int, image []byte) error {
	for at := 0; at < len(image); {
		n, err := unix.Pwrite(fd, image[at:], int64(at))
		switch {
		case err == unix.EINTR:
		case err == unix.EPERM:
			return nil
		case err != nil:
			return fmt.Errorf("shared memory: %w", err)
		}
		at += max(n, 0)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, sealed); err != nil && err != unix.EPERM {
		return fmt.Errorf("shared memory: seal: %w", err)
	}
	return nil
}
