package web_test

import (
	"context"
	"log"

	"github.com/narwhal-server/narwhal/ner/prose"
	"github.com/narwhal-server/narwhal/supervisor"
	"github.com/narwhal-server/narwhal/web"
	"github.com/narwhal-server/narwhal/worker"
)

// A program that serves a recognizer of its own choice.
func Example() {
	start := func(worker.Env) (worker.App, error) {
		r, err := prose.New()
		if err != nil {
			return nil, err
		}
		return web.New(web.Options{Recognizer: r, Model: "prose"}), nil
	}
	run := func() error {
		if worker.Spawned() {
			return worker.Run(start)
		}
		return supervisor.Run(context.Background(), supervisor.Options{Workers: 2})
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
