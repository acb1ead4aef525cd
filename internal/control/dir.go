package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Dirs returns the directories in which the sockets of this user's masters may be. A
// master uses the first. Find looks in others, too.
func Dirs(getenv func(string) string, uid int) []string {
	var dirs []string
	if v, _, _ := strings.Cut(getenv("RUNTIME_DIRECTORY"), ":"); filepath.IsAbs(v) {
		dirs = append(dirs, v)
	}
	if v := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(v) {
		dirs = append(dirs, filepath.Join(v, "narwhal"))
	}
	if uid == 0 {
		return append(dirs, "/run/narwhal")
	}
	return append(dirs, fmt.Sprintf("/tmp/narwhal-%d", uid))
}

// searched returns the directories in which a command looks. In a systemd unit that is
// only the unit's own. Elsewhere it is all of Dirs, and /run/narwhal.
func searched(getenv func(string) string, uid int) []string {
	dirs := Dirs(getenv, uid)
	if getenv("RUNTIME_DIRECTORY") != "" {
		return dirs[:1]
	}
	if slices.Contains(dirs, "/run/narwhal") {
		return dirs
	}
	return append(dirs, "/run/narwhal") // of a systemd unit with this user
}

// makeDir makes a directory for sockets, and checks it: in /tmp anybody could have made
// it before.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return checkDir(dir)
}

// checkDir fails if another user than root could put sockets into a directory. For root
// the directory may belong to any user.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Type() == os.ModeSymlink && filepath.Dir(dir) == "/run" {
		// systemd makes such a link for DynamicUser=. Only root can make one in /run.
		if info, err = os.Stat(dir); err != nil {
			return err
		}
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	uid, me := info.Sys().(*syscall.Stat_t).Uid, uint32(os.Getuid())
	if uid != me && uid != 0 && me != 0 {
		return fmt.Errorf("%s belongs to user %d", dir, uid)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s can be written by others (mode %#o)", dir, info.Mode().Perm())
	}
	return nil
}

// socketOf returns the path of a master's socket.
func socketOf(dir string, pid int) string { return filepath.Join(dir, strconv.Itoa(pid)+".sock") }
