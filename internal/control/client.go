package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"golang.org/x/sys/unix"
)

// Client asks a master over its control socket. It implements Master.
type Client struct {
	path string
	http *http.Client
}

// NewClient returns a client of the master whose socket is at path. It does not connect.
func NewClient(path string) *Client {
	var d net.Dialer
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // a master that ends then waits for no idle connection
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		},
	}}}
}

// Status returns what the master and its workers do.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	s := new(Status)
	return s, c.ask(ctx, "GET", "/status", nil, s)
}

// Reload replaces the workers, as SIGHUP does, and waits until that is done.
func (c *Client) Reload(ctx context.Context) (string, error) { return c.tell(ctx, "/reload", nil) }

// Upgrade starts the program on disk in place of the one that runs, as SIGUSR2
// does, and waits until it has taken over.
func (c *Client) Upgrade(ctx context.Context) (string, error) { return c.tell(ctx, "/upgrade", nil) }

// Scale sets the number of workers. It waits until the new workers are ready and the
// others have left.
func (c *Client) Scale(ctx context.Context, workers int) (string, error) {
	return c.tell(ctx, "/scale", map[string]int{"workers": workers})
}

// Stop ends the master, and waits until its process has ended. quick has the effect of
// SIGINT, not SIGTERM.
func (c *Client) Stop(ctx context.Context, quick bool) (string, error) {
	s, err := c.Status(ctx)
	if err != nil {
		return "", err
	}
	gone, err := watch(s.Pid)
	if err != nil {
		return "", err
	}
	defer gone.Close()
	said, err := c.tell(ctx, "/stop", map[string]bool{"quick": quick})
	if err != nil {
		return "", err
	}
	return said, wait(ctx, gone)
}

func (c *Client) tell(ctx context.Context, path string, body any) (string, error) {
	var said struct{ Outcome string }
	err := c.ask(ctx, "POST", path, body, &said)
	return said.Outcome, err
}

func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://narwhal"+path, &b)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s: %w: nobody listens there", c.path, ErrNone)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s: permission denied: ask as the master's user, or as root", c.path)
	case err != nil:
		return fmt.Errorf("%s: the master gave no answer: %w", c.path, err)
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	if resp.StatusCode != http.StatusOK {
		f := &Failure{Status: resp.StatusCode}
		if err := d.Decode(&f.Body); err != nil || f.Message == "" {
			return fmt.Errorf("%s: status %d without a reason: does a narwhal listen there?", c.path, resp.StatusCode)
		}
		return f
	}
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: read the answer: %w", c.path, err)
	}
	return nil
}

// watch opens a process, so that wait can wait for its end. A later process with the
// same number is not taken for it.
func watch(pid int) (*os.File, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	return os.NewFile(uintptr(fd), fmt.Sprintf("process %d", pid)), nil
}

// wait waits until a process has ended, or until ctx ends.
func wait(ctx context.Context, process *os.File) error {
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(process.Fd()), Events: unix.POLLIN}}, 100)
		if n > 0 {
			return nil
		}
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for the end of %s: %w", process.Name(), err)
		}
	}
	return context.Cause(ctx)
}
