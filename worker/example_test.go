package worker_test

import (
	"context"
	"log"
	"net/http"

	"github.com/narwhal-server/narwhal/supervisor"
	"github.com/narwhal-server/narwhal/worker"
)

// A program runs its handler with a master and workers. The user starts the program once,
// as the master. The master starts the same program again for every worker.
func Example() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello\n")) })

	run := func() error {
		if worker.Spawned() {
			return worker.Run(func(worker.Env) (worker.App, error) { return worker.HTTP(&http.Server{Handler: handler}), nil })
		}
		return supervisor.Run(context.Background(), supervisor.Options{Bind: []string{"127.0.0.1:8000"}, Workers: 4})
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
