// Load sends requests to a service that several servers answer, until it gets TERM or INT.
// Then it prints how many requests failed:
//
//	load [-clients N] [-again] HOST:PORT
//
// Half of the clients open a connection for each request, the others keep theirs until the
// server closes it. For each connection a client looks the name up and chooses one of its
// addresses at random. If it cannot connect there within a second, the request has failed.
// With -again the client then tries another address, and so on for up to ten seconds, as
// proxies do, so that nearly only a request fails that was sent and not answered. A request
// that was sent is never sent again.
//
// Clients pause after each request, so that a machine with two cores has time for the
// servers, too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
)

const (
	text   = "Angela Merkel was born in Hamburg."
	answer = `{"Angela Merkel":"PERSON","Hamburg":"GPE"}`

	pause       = 25 * time.Millisecond
	connectTime = time.Second            // after which an address does not answer
	againTime   = 10 * time.Second       // for which -again tries to connect
	betweenTry  = 100 * time.Millisecond // if all addresses have refused
	answerTime  = 15 * time.Second       // after which a request is lost
)

func main() {
	clients := flag.Int("clients", 8, "how many `clients` send requests")
	again := flag.Bool("again", false, "try other addresses if one cannot be reached, and all of them again")
	flag.Parse()
	if flag.NArg() != 1 || *clients < 2 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	d := &dialer{again: *again, lookup: net.DefaultResolver.LookupHost, servers: map[string]int{}}
	l := client.Start(client.Options{
		Addrs:  map[string]string{"tcp": flag.Arg(0)},
		Groups: []client.Group{{Network: "tcp"}, {Network: "tcp", Keep: true}}, Clients: *clients,
		Request: client.Request("POST", text), Want: []byte(answer), Timeout: answerTime, Pause: pause, Dial: d.dial,
	})
	<-ctx.Done()
	l.End()
	sent, failed, why := l.Sums()
	fmt.Printf("requests=%d failed=%d unconnected=%d servers=%d\n", sent, failed, l.Failed(client.NoConnection), len(d.servers))
	for _, n := range l.Counts {
		fmt.Printf("answered %s: %d\n", n.Group, n.Answered())
	}
	if failed > 0 {
		fmt.Println("failures:", why)
	}
}

// dialer connects to one of the addresses of a name.
type dialer struct {
	again  bool
	lookup func(ctx context.Context, host string) ([]string, error)

	mu      sync.Mutex
	servers map[string]int // connections by address
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	for end := time.Now().Add(againTime); ; time.Sleep(betweenTry) {
		conn, err := d.try(ctx, network, addr)
		if err == nil || !d.again || time.Now().After(end) {
			return conn, err
		}
	}
}

// try tries one address, or all of them once.
func (d *dialer) try(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	if !d.again {
		addrs = addrs[:min(1, len(addrs))]
	}
	err = errors.New("the name has no address")
	for _, a := range addrs {
		var conn net.Conn
		one := net.Dialer{Timeout: connectTime}
		if conn, err = one.DialContext(ctx, network, net.JoinHostPort(a, port)); err == nil {
			d.mu.Lock()
			d.servers[a]++
			d.mu.Unlock()
			return conn, nil
		}
	}
	return nil, err
}
