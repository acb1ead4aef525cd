// A server of fasthttp whose idle connections are kept by the master, so that a
// request on any of them is answered by whichever worker is free.
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
