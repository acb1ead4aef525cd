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

// Dirs lists where the sockets of this user's masters may be. A master takes
// the first; a command looks in all of them.
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

// searched are the directories a command looks in: in a unit of systemd's, the
// unit's own.
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

// makeDir makes a directory for sockets, or checks the one that is there: in
// /tmp anybody could have put one.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return checkDir(dir)
}

// checkDir sees that nobody else can put sockets into a directory.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Type() == os.ModeSymlink && filepath.Dir(dir) == "/run" {
		// systemd makes one for DynamicUser=, and only root can in /run.
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

// socketOf names the socket of a master.
func socketOf(dir string, pid int) string { return filepath.Join(dir, strconv.Itoa(pid)+".sock") }
