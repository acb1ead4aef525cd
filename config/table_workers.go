package config

func workers() []Setting {
	return []Setting{
		{
			Name: "workers", Short: "w", Group: Workers, Placeholder: "N", Default: "1", min: 1, max: 512, Unset: "1, or WEB_CONCURRENCY",
			Usage: "worker processes",
			Help: `The number of worker processes, at most 512. TTIN and TTOU change it in a running server, HUP sets it to the configured number again.

Recognition is computation: more workers than cores do not make it faster, and each worker holds a model. In sync mode the number of workers is the number of requests served at once, --delay included.

Where nothing else sets it the variable WEB_CONCURRENCY does, as with Gunicorn.`,
			Gunicorn: "-w, --workers", Uvicorn: "--workers",
			field: func(s *Settings) any { return &s.Workers },
		},
		{
			Name: "worker-class", Short: "k", Group: Workers, Placeholder: "CLASS", Default: Sync,
			Choices: []string{Sync, Concurrent},
			means:   classOf,
			hint:    "concurrent stands for every threaded or asynchronous worker class",
			Usage:   "sync: one request at a time; concurrent: many",
			Help: `How a worker serves:

  sync              one request at a time; the connection is closed after each
  concurrent        many connections and many requests at once

A concurrent worker computes --threads requests at a time; those that only wait (a --delay, a body that is still arriving, an idle connection) take up none of them.

The worker classes of Gunicorn and its ecosystem are understood: gthread, gevent, eventlet, tornado, uvicorn.workers.UvicornWorker, uvicorn_worker.UvicornWorker and others that end in Worker mean concurrent, and what that was taken for is said in one line.`,
			Gunicorn: "-k, --worker-class",
			Differs:  "two classes: the names of Gunicorn's threaded and asynchronous classes, and uvicorn.workers.UvicornWorker, are accepted and mean concurrent. --threads does not change the class",
			field:    func(s *Settings) any { return &s.WorkerClass },
		},
		{
			Name: "threads", Group: Workers, Placeholder: "N", Default: "0", Unset: "GOMAXPROCS",
			Usage: "requests a concurrent worker computes at once",
			Help: `How many requests a concurrent worker computes at the same time; the rest wait in order of arrival. 0 means as many as the worker has processors (--gomaxprocs), and more than that makes each one slower and none faster.

A sync worker computes one, so more than 1 together with --worker-class sync is an error.`,
			Gunicorn: "--threads",
			Differs:  "bounds what is computed, not what is open; more than 1 needs --worker-class concurrent",
			field:    func(s *Settings) any { return &s.Threads },
		},
		{
			Name: "gomaxprocs", Group: Workers, Placeholder: "N", Default: "0", max: 1024, Unset: "cores ÷ workers",
			Usage:   "processors each worker may use at once",
			Help:    `GOMAXPROCS of each worker: how many processors its Go code runs on at the same time. 0 divides the cores among the workers, so that workers × GOMAXPROCS = cores, with at least 1 for each. More slows the server down as soon as there is garbage to collect.`,
			Differs: "a Python worker has one",
			field:   func(s *Settings) any { return &s.GOMAXPROCS },
		},
		{
			Name: "max-requests", Group: Workers, Placeholder: "N", Default: "0", Unset: "0, off",
			Usage:    "requests after which a worker is replaced",
			Help:     `After so many requests a worker asks the master to replace it. Its successor has loaded the model and accepts connections before it leaves, and no request fails. 0 means never.`,
			Gunicorn: "--max-requests", Uvicorn: "--limit-max-requests",
			Differs: "the successor is ready before the worker leaves, so capacity does not dip",
			field:   func(s *Settings) any { return &s.MaxRequests },
		},
		{
			Name: "max-requests-jitter", Group: Workers, Placeholder: "N", Default: "0",
			Usage:    "up to N more requests, a different number for each worker",
			Help:     `Each worker draws a number from 0 to N when it starts and adds it to --max-requests, so that workers that started together are not replaced together. It is an error without --max-requests.`,
			Gunicorn: "--max-requests-jitter", Uvicorn: "--limit-max-requests-jitter",
			Differs: "an error without --max-requests",
			field:   func(s *Settings) any { return &s.MaxRequestsJitter },
		},
		{
			Name: "max-worker-age", Group: Workers, Placeholder: "TIME", Default: "0s", Unset: "0, off",
			Usage: "age at which a worker is replaced",
			Help: `A worker that has served for this TIME, less up to a tenth at random, is replaced. Its successor is ready before it leaves, one worker at a time, and no request fails. 0 means never.

Seconds (30, 0.5) or a duration (1m30s, 250ms).`,
			Differs: "neither has it",
			field:   func(s *Settings) any { return &s.MaxWorkerAge },
		},
		{
			Name: "max-worker-memory", Group: Workers, Placeholder: "SIZE", Default: "0", Unset: "0, off",
			Usage: "memory above which a worker is replaced",
			Help: `A worker that has more memory than this three times in a row, looked at every five seconds, is replaced. Its successor is ready before it leaves, one worker at a time, and no request fails. 0 means never.

Memory that processes share, such as a built-in model, counts in equal parts, as in narwhal status (PSS). In bytes or with a unit: 512MiB (powers of 1024), 500MB (powers of 1000). It must leave room for the model: a worker that is above it from the start is replaced again and again, with a warning.`,
			Differs: "neither has it",
			field:   func(s *Settings) any { return &s.MaxWorkerMemory },
		},
	}
}
