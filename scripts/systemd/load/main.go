// Load sends requests to narwhal until it gets TERM, each on a new connection. Then it
// prints how many failed, and how many of these were refused. Clients pause after each
// request, so that a machine with two cores has time to start workers, too:
//
//	load URL CLIENTS
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
)

const pause = 25 * time.Millisecond

func main() {
	if len(os.Args) != 3 {
		usage()
	}
	to, err := url.Parse(os.Args[1])
	clients, err2 := strconv.Atoi(os.Args[2])
	if err != nil || err2 != nil {
		usage()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	l := client.Start(client.Options{
		Addrs: map[string]string{"tcp": to.Host}, Groups: []client.Group{{Network: "tcp"}}, Clients: clients,
		Request: client.Request("POST", "Angela Merkel was born in Hamburg.", "Connection: close"), Timeout: time.Minute, Pause: pause,
	})
	<-ctx.Done()
	l.End()
	sent, failed, why := l.Sums()
	refused := l.Failed(client.NoConnection + syscall.ECONNREFUSED.Error())
	fmt.Printf("requests=%d failed=%d refused=%d\n", sent, failed, refused)
	if failed > 0 {
		fmt.Println("failures:", why)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: load URL CLIENTS")
	os.Exit(2)
}
