package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// release is what all files of a release have in common.
type release struct {
	root       string    // the folder of the source
	version    string    // such as 1.2.3, without a v
	commit     string    // and its day, as narwhal --version prints them; "" without git
	time       time.Time // the time of all files: that of the commit, or SOURCE_DATE_EPOCH
	maintainer string    // who answers for the packages, as "Name <address>"
}

// versionForm is that of Semantic Versioning.
var versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// newRelease returns the release that the source in root is. The version is given, or comes
// from git's tags. Without git, the version and SOURCE_DATE_EPOCH must be given.
func newRelease(ctx context.Context, root, version string) (*release, error) {
	r := &release{root: root}
	text, gitErr := git(ctx, root, "describe", "--tags", "--long", "--always", "--abbrev=12", "--dirty=.dirty", "--match=v[0-9]*")
	if version == "" && gitErr != nil {
		return nil, fmt.Errorf("find the version: %w; name it: make release VERSION=1.2.3", gitErr)
	}
	r.version = strings.TrimPrefix(version, "v")
	if version == "" {
		r.version = described(text)
	}
	if !versionForm.MatchString(r.version) {
		return nil, fmt.Errorf("%q is not a version: want MAJOR.MINOR.PATCH, such as 1.2.3 or 1.2.3-rc.1", r.version)
	}
	var timeErr error
	if gitErr == nil {
		r.time, timeErr = gitTime(ctx, root)
		commit, err := git(ctx, root, "rev-parse", "HEAD")
		if err != nil || timeErr != nil {
			return nil, errors.Join(err, timeErr)
		}
		r.commit = commit + " of " + r.time.Format("2006-01-02")
		if strings.HasSuffix(text, ".dirty") {
			r.commit += ", with changes that are not committed"
		}
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		r.time, timeErr = fromEpoch(epoch)
		if timeErr != nil {
			return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w", timeErr)
		}
	}
	if r.time.IsZero() {
		return nil, fmt.Errorf("find the time of the source: %w; set SOURCE_DATE_EPOCH to its seconds since 1970", gitErr)
	}
	return r, nil
}

var (
	afterTag  = regexp.MustCompile(`^v(.+)-(\d+)-(g[0-9a-f]+)(\.dirty)?$`)
	withoutIt = regexp.MustCompile(`^([0-9a-f]+(?:\.dirty)?)$`)
)

// described returns the version for the output of git describe --long --always. Commits
// after a tag have a later version than the tag: 1.2.3+5.g1d06414c41a3. Without a tag it is
// 0.0.0-COMMIT.
func described(text string) string {
	if m := withoutIt.FindStringSubmatch(text); m != nil {
		return "0.0.0-" + m[1]
	}
	m := afterTag.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	tag, commits, commit, dirty := m[1], m[2], m[3], m[4]
	if commits == "0" && dirty == "" {
		return tag
	}
	sep := "+"
	if strings.Contains(tag, "+") {
		sep = "."
	}
	return tag + sep + commits + "." + commit + dirty
}

func gitTime(ctx context.Context, root string) (time.Time, error) {
	text, err := git(ctx, root, "log", "-1", "--format=%ct")
	if err != nil {
		return time.Time{}, err
	}
	return fromEpoch(text)
}

func fromEpoch(text string) (time.Time, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// git returns the first line that a git command prints.
func git(ctx context.Context, root string, args ...string) (string, error) {
	out, err := output(exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...))
	line, _, _ := strings.Cut(string(out), "\n")
	return line, err
}

// output runs a command and returns its standard output. The error has what the command
// wrote to standard error.
func output(cmd *exec.Cmd) ([]byte, error) {
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(cmd.Args[:min(len(cmd.Args), 4)], " "), err)
	}
	return out, nil
}
