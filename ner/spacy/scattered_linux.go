package spacy

import "golang.org/x/sys/unix"

// scattered tells the kernel that reads of the file are small and far apart. Otherwise a read
// of a row of word vectors may bring 2 MB into this process's memory, and the rows that a
// text needs are everywhere in the file. If that fails, reads work all the same.
func (m mapping) scattered() {
	if len(m.data) > 0 {
		_ = unix.Madvise(m.data, unix.MADV_RANDOM)
		_ = unix.Madvise(m.data, unix.MADV_NOHUGEPAGE)
	}
}
