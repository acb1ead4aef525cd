package sock

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// Access says who may connect to a unix socket: the mode of its file, and the
// file's group. An empty group means the group of the process. The umask has no
// effect on it.
type Access struct {
	Mode  os.FileMode
	Group string
}

// DefaultAccess lets every user connect who can reach the file, because a proxy runs
// as another user. Gunicorn, Uvicorn and systemd do the same.
const DefaultAccess = "0666"

// ParseAccess reads MODE or MODE:GROUP. MODE is octal: 0660.
func ParseAccess(text string) (Access, error) {
	mode, group, hasGroup := strings.Cut(text, ":")
	n, err := strconv.ParseUint(strings.TrimPrefix(mode, "0o"), 8, 32)
	switch {
	case err != nil:
		return Access{}, fmt.Errorf("%q is not a mode: want octal digits, and optionally a colon and a group: 0660:www-data", text)
	case n > 0o777:
		return Access{}, fmt.Errorf("%s is more than 0777", mode)
	case n&0o200 == 0:
		return Access{}, fmt.Errorf("with %s nobody but root could connect: a client needs write permission, which is 0200 for the owner, 0020 for the group and 0002 for all others", mode)
	case hasGroup && group == "":
		return Access{}, fmt.Errorf("%q has no group after the colon: want 0660:www-data", text)
	}
	return Access{os.FileMode(n), group}, nil
}

// apply gives the file of the unix socket a its group, and then its mode.
func (c Access) apply(a Addr) error {
	if c.Group != "" {
		gid, err := groupID(c.Group)
		if err != nil {
			return fmt.Errorf("bind %s: %w", a, err)
		}
		if err := os.Lchown(a.Address, -1, gid); err != nil {
			return fmt.Errorf("bind %s: the socket cannot be given to group %s: %w: run narwhal as a member of that group (SupplementaryGroups= in a systemd unit), or as root", a, c.Group, bare(err))
		}
	}
	if err := os.Chmod(a.Address, c.Mode); err != nil {
		return fmt.Errorf("bind %s: %w", a, err)
	}
	return nil
}

// groupID returns the number of a group. group is its name or its number.
func groupID(group string) (int, error) {
	if g, err := user.LookupGroup(group); err == nil {
		group = g.Gid
	}
	gid, err := strconv.Atoi(group)
	if err != nil || gid < 0 {
		return 0, fmt.Errorf("there is no group %s: getent group lists all groups", group)
	}
	return gid, nil
}

// bare returns the error without the path, for messages that name the path already.
func bare(err error) error {
	if wrapped, ok := err.(*os.PathError); ok {
		return wrapped.Err
	}
	return err
}
