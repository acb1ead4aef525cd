// Parked is a server of fasthttp. The master keeps its idle connections, so any free worker
// can answer the next request on a connection.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/narwhal-server/narwhal/supervisor"
	"github.com/narwhal-server/narwhal/worker"
	"github.com/valyala/fasthttp"
)

func hello(ctx *fasthttp.RequestCtx) {
	fmt.Fprintf(ctx, "hello from process %d\n", os.Getpid())
}

func run() error {
	if worker.Spawned() {
		return worker.Run(func(worker.Env) (worker.App, error) {
			return &fasthttp.Server{Handler: hello, IdleTimeout: time.Minute}, nil
		})
	}
	return supervisor.Run(context.Background(), supervisor.Options{Bind: os.Args[1:], Workers: 2, Park: true})
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
