package cgroup

import (
	"path"
	"strings"
)

// mount is a mounted tree of groups.
type mount struct {
	root    string // the group whose folder is at point
	point   string
	v2      bool
	options string // with version 1, they name the controllers
}

// parseMounts returns the trees of groups that /proc/self/mountinfo lists. A line is:
//
//	36 35 98:0 /root /point rw,noatime master:1 - cgroup2 source rw,options
//
// Between the options of the mount and the dash there is any number of words.
func parseMounts(text string) []mount {
	var all []mount
	for line := range strings.Lines(text) {
		left, right, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		l, r := strings.Split(left, " "), strings.Split(right, " ")
		if len(l) < 6 || len(r) < 3 || r[0] != "cgroup" && r[0] != "cgroup2" {
			continue
		}
		all = append(all, mount{root: unescape.Replace(l[3]), point: unescape.Replace(l[4]), v2: r[0] == "cgroup2", options: r[2]})
	}
	return all
}

// unescape undoes what the kernel does to a path in mountinfo.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// chain returns the folder of a group and of each group around it, up to the one at the
// mount's point. It returns none if the group is not in the mount's tree. A group outside
// of the process's namespace begins with /.. and can be in no tree, or in one whose root
// begins so, too.
func (m mount) chain(group string) []string {
	rel := group
	if m.root != "/" {
		var ok bool
		if rel, ok = strings.CutPrefix(group, m.root); !ok || rel != "" && rel[0] != '/' {
			return nil
		}
	}
	if rel == "/.." || strings.HasPrefix(rel, "/../") {
		return nil
	}
	var dirs []string
	for dir := path.Join(m.point, rel); ; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
		if len(dir) <= len(m.point) {
			return dirs
		}
	}
}
