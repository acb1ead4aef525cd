package main

import (
	"context"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
)

// text is the text that clients send. It is about a millisecond of work for
// en_core_web_sm.
const text = "Angela Merkel was born in Hamburg and met Barack Obama in Berlin in June 2013."

var query = request(text)

func request(text string) []byte { return client.Request("GET", text) }

// The groups of clients: for each network, one with new connections, one that keeps them.
var (
	tcpNew, tcpKept   = client.Group{Network: "tcp"}, client.Group{Network: "tcp", Keep: true}
	unixNew, unixKept = client.Group{Network: "unix"}, client.Group{Network: "unix", Keep: true}
)

// groups are the clients every event is tried with.
var groups = []client.Group{tcpNew, tcpKept, unixNew, unixKept}

// clientsAtOnce is the number of clients of all groups together. Each sends its next
// request as soon as the last one is answered, or after a pause.
const clientsAtOnce = 32

// start starts clients. Each group has the same number, and clients is the number of all.
// want is the right answer.
func start(addrs map[string]string, of []client.Group, clients int, pause time.Duration, want []byte) *client.Load {
	return client.Start(client.Options{Addrs: addrs, Groups: of, Clients: clients, Pause: pause, Request: query, Want: want})
}

// ask sends one request on a new connection, and returns the body of the answer.
func ask(ctx context.Context, network, addr string, request []byte) ([]byte, error) {
	c := client.Client{Network: network, Addr: addr}
	return c.Ask(ctx, request)
}
