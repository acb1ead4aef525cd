//go:build unix

package spacy

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapping is a file in memory.
type mapping struct{ data []byte }

// mapFile maps a file read-only. f may be closed afterwards. The pages belong to the
// page cache, so all processes that map the file share them.
func mapFile(f *os.File) (mapping, error) {
	info, err := f.Stat()
	if err != nil {
		return mapping{}, err
	}
	if info.Size() == 0 { // mmap fails for an empty file
		return mapping{}, nil
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return mapping{}, os.NewSyscallError("mmap", err)
	}
	return mapping{data}, nil
}

// forget removes the file's pages from this process's memory until they are read
// again. If that fails, the pages stay.
func (m mapping) forget() { _ = unix.Madvise(m.data, unix.MADV_DONTNEED) }

func (m mapping) close() error {
	if m.data == nil {
		return nil
	}
	return unix.Munmap(m.data)
}
