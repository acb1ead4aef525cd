// Package folder explains why nothing can be made in a folder: which one is
// missing or closed, whose it is, and what to do about it.
package folder

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Problem is why a file cannot be made.
type Problem struct {
	What string // one sentence that names the folder
	Hint string // what to do
}

func (p *Problem) Error() string { return p.What + ": " + p.Hint }

// Check looks whether this process can make a file at an absolute path. It
// returns nil if it sees nothing against that.
func Check(path string) *Problem {
	dir := filepath.Dir(path)
	above := "/"
	for _, d := range parents(dir) {
		info, err := os.Stat(d)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return missing(d, dir, above)
		case errors.Is(err, os.ErrPermission):
			return closed(above, "enter")
		case err != nil:
			return &Problem{fmt.Sprintf("the folder %s cannot be read: %v", d, bare(err)), "choose another place"}
		case !info.IsDir():
			return &Problem{d + " is not a folder", "choose another place"}
		}
		above = d
	}
	switch err := unix.Access(dir, unix.W_OK|unix.X_OK); {
	case errors.Is(err, unix.EROFS):
		return &Problem{fmt.Sprintf("the folder %s is on a file system that is read-only", dir), "choose another place"}
	case err != nil:
		return closed(dir, "write to")
	}
	return nil
}

// parents are a folder and all above it, from the top.
func parents(dir string) []string {
	if dir == "/" || dir == "." {
		return []string{dir}
	}
	return append(parents(filepath.Dir(dir)), dir)
}

// missing is the problem of a folder that is not there. It is to be made in
// above, the last one that is.
func missing(first, dir, above string) *Problem {
	p := &Problem{What: fmt.Sprintf("the folder %s does not exist", first)}
	if unix.Access(above, unix.W_OK|unix.X_OK) == nil {
		p.Hint = "make it (mkdir -p " + dir + "), or choose another place"
		return p
	}
	p.What += fmt.Sprintf(", and %s cannot make it in %s, which belongs to %s", me(), above, owner(above))
	p.Hint = fmt.Sprintf("let %s make it for you (install -d -o %s %s), or choose a place in a folder of your own", owner(above), name(os.Geteuid()), dir)
	return p
}

// closed is the problem of a folder whose owner has not let us in.
func closed(dir, do string) *Problem {
	return &Problem{
		What: fmt.Sprintf("%s cannot %s the folder %s, which belongs to %s (%s)", me(), do, dir, owner(dir), mode(dir)),
		Hint: "choose a place in a folder of your own, or let " + owner(dir) + " change that one",
	}
}

// me is the user this process runs as.
func me() string { return "user " + name(os.Geteuid()) }

func owner(path string) string {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return "somebody else"
	}
	return name(int(st.Uid))
}

func mode(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "mode unknown"
	}
	return strings.ToLower(info.Mode().String())
}

// name of a user, or the number if it has none.
func name(uid int) string {
	text := strconv.Itoa(uid)
	if u, err := user.LookupId(text); err == nil {
		return u.Username
	}
	return text
}

// bare is an error without the path, which is said already.
func bare(err error) error {
	if wrapped := (*os.PathError)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
