// Package folder explains why no file can be made in a folder: which folder is missing
// or closed, who owns it, and what to do about it.
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

// Check returns why this process cannot make a file at an absolute path, or nil if it
// sees no reason. It makes no file.
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

// parents returns a folder and all folders above it, from the top.
func parents(dir string) []string {
	if dir == "/" || dir == "." {
		return []string{dir}
	}
	return append(parents(filepath.Dir(dir)), dir)
}

// missing returns the problem of a folder dir that does not exist. first is the first
// folder on the way to dir that is missing, and above the folder in which it would be.
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

// closed returns the problem of a folder that this user may not enter or write to. do
// says which.
func closed(dir, do string) *Problem {
	return &Problem{
		What: fmt.Sprintf("%s cannot %s the folder %s, which belongs to %s (%s)", me(), do, dir, owner(dir), mode(dir)),
		Hint: "choose a place in a folder of your own, or let " + owner(dir) + " change that one",
	}
}

// me names the user that this process runs as.
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

// name returns the name of a user, or the number if the user has no name.
func name(uid int) string {
	text := strconv.Itoa(uid)
	if u, err := user.LookupId(text); err == nil {
		return u.Username
	}
	return text
}

// bare returns an error without its path, because the message has the path already.
func bare(err error) error {
	if wrapped := (*os.PathError)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
