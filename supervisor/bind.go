package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/sock"
)

// opener makes the listening socket of an address.
type opener func(a sock.Addr, backlog int, access sock.Access) (*sock.Socket, error)

// binder opens the sockets of addresses. An address in use is tried again for some
// seconds.
type binder struct {
	access sock.Access
	log    *slog.Logger
	stop   <-chan os.Signal // signals that stop the master
}

// bindTries is how often an address in use is tried, a second apart. The idle
// workers of a master that was killed leave within that time.
const bindTries = 5

// errStopped says that a signal told the master to stop before it served.
var errStopped = errors.New("told to stop")

// all opens the addresses. After an error it returns the sockets that are open.
func (b binder) all(ctx context.Context, addresses []string, backlog int, open opener) ([]*sock.Socket, error) {
	var sockets []*sock.Socket
	for _, text := range addresses {
		s, err := b.one(ctx, text, backlog, open)
		if err != nil {
			return sockets, err
		}
		sockets = append(sockets, s)
	}
	if most := somaxconn(); most > 0 && backlog > most {
		logevent.BacklogLimited.Log(b.log, "the kernel allows a smaller backlog only", "backlog", backlog, "somaxconn", most,
			"hint", fmt.Sprintf("sysctl -w net.core.somaxconn=%d, or a smaller --backlog", backlog))
	}
	return sockets, nil
}

// one opens an address. It returns errStopped if a signal comes while the address
// is in use.
func (b binder) one(ctx context.Context, text string, backlog int, open opener) (*sock.Socket, error) {
	a, err := sock.Parse(text, "")
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		s, err := open(a, backlog, b.access)
		if err == nil || !errors.Is(err, sock.ErrInUse) || errors.Is(err, sock.ErrLocked) || try == bindTries {
			return s, err
		}
		logevent.AddressInUse.Log(b.log, "address in use; trying again", "address", a.String(), "try", fmt.Sprintf("%d of %d", try, bindTries))
		select {
		case <-time.After(time.Second):
		case <-b.stop:
			return nil, errStopped
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// somaxconn returns the kernel's limit for accept queues, 0 if it cannot be read.
func somaxconn() int {
	b, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}
