// Nethttp is a server of net/http with a master and two workers.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/narwhal-server/narwhal/supervisor"
	"github.com/narwhal-server/narwhal/worker"
)

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "hello from process %d\n", os.Getpid())
}

func run() error {
	if worker.Spawned() { // by the master, which starts this program again for each worker
		return worker.Run(func(worker.Env) (worker.App, error) {
			return worker.HTTP(&http.Server{Handler: http.HandlerFunc(hello)}), nil
		})
	}
	return supervisor.Run(context.Background(), supervisor.Options{Bind: os.Args[1:], Workers: 2})
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
