package main

import (
	"context"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
)

// text is what clients ask about: about a millisecond of work for en_core_web_sm.
const text = "Angela Merkel was born in Hamburg and met Barack Obama in Berlin in June 2013."

var query = request(text)

func request(text string) []byte { return client.Request("GET", text) }

// Clients of two kinds for each network.
var (
	tcpNew, tcpKept   = client.Group{Network: "tcp"}, client.Group{Network: "tcp", Keep: true}
	unixNew, unixKept = client.Group{Network: "unix"}, client.Group{Network: "unix", Keep: true}
)

// groups are the clients every event is tried with.
var groups = []client.Group{tcpNew, tcpKept, unixNew, unixKept}

// clientsAtOnce of all groups together ask again as soon as they are answered.
const clientsAtOnce = 32

// start sets so many clients of all these groups together to work on a server.
func start(addrs map[string]string, of []client.Group, clients int, want []byte) *client.Load {
	return client.Start(client.Options{Addrs: addrs, Groups: of, Clients: clients, Request: query, Want: want})
}

// ask sends one request, on a connection of its own.
func ask(ctx context.Context, network, addr string, request []byte) ([]byte, error) {
	c := client.Client{Network: network, Addr: addr}
	return c.Ask(ctx, request)
}
