package config

func workers() []Setting {
	return []Setting{
		{
			Name: "workers", Short: "w", Group: Workers, Placeholder: "N", Default: "1", Auto: true, min: 1, max: 512, Unset: "1, or WEB_CONCURRENCY",
			Usage: "worker processes; auto: as many as the processors",
			Help: `The number of worker processes, at most 512. TTIN and TTOU change the number while the server runs. HUP sets it to the configured number again.

Recognition needs the processor: more workers than cores do not make it faster, and each worker holds a model. A sync worker serves one request at a time. So the number of sync workers is the number of requests that are served at once, including those that wait for a --delay.

auto means as many workers as the processors that narwhal may use: those of its affinity mask, or fewer if a control group has a quota (docker run --cpus, CPUQuota= of systemd, limits.cpu of Kubernetes). A quota is rounded down, and is at least 1. With --gomaxprocs N auto starts a worker for each N of these processors. A reload reads mask and quota again.

If nothing else sets the number, the variable WEB_CONCURRENCY does, as with Gunicorn.`,
			Gunicorn: "-w, --workers", Uvicorn: "--workers",
			Differs: "may be auto",
			field:   func(s *Settings) any { return &s.Workers },
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

A concurrent worker computes --threads requests at a time. A request that waits for a --delay or for the rest of its body does not count, nor does an idle connection.

The names of other servers' worker classes are accepted: gthread, gevent, eventlet, tornado, uvicorn.workers.UvicornWorker, uvicorn_worker.UvicornWorker and other names that end in Worker mean concurrent. The server prints a line that says so.`,
			Gunicorn: "-k, --worker-class",
			Differs:  "two classes. The names of Gunicorn's threaded and asynchronous classes, and uvicorn.workers.UvicornWorker, mean concurrent. --threads does not change the class",
			field:    func(s *Settings) any { return &s.WorkerClass },
		},
		{
			Name: "threads", Group: Workers, Placeholder: "N", Default: "0", Unset: "GOMAXPROCS",
			Usage: "requests a concurrent worker computes at once",
			Help: `How many requests a concurrent worker computes at the same time. Further requests wait, in the order in which they arrived. 0 means as many as the worker has processors (--gomaxprocs). A larger number makes no request faster and each one slower.

A sync worker computes one request at a time. So a number above 1 together with --worker-class sync is an error.`,
			Gunicorn: "--threads",
			Differs:  "limits the requests that compute, not the open connections. More than 1 needs --worker-class concurrent",
			field:    func(s *Settings) any { return &s.Threads },
		},
		{
			Name: "gomaxprocs", Group: Workers, Placeholder: "N", Default: "0", max: 1024, Unset: "cores ÷ workers",
			Usage:   "processors each worker may use at once",
			Help:    `GOMAXPROCS of each worker: on how many processors its Go code runs at the same time. 0 divides the processors that narwhal may use equally among the workers, with at least 1 for each. They are those of its affinity mask, or fewer if a control group has a quota, which is rounded down: with more, the kernel would stop all threads of narwhal for a part of each 0.1 s. A larger number makes the server slower as soon as there is garbage to collect.`,
			Differs: "a Python worker runs on one",
			field:   func(s *Settings) any { return &s.GOMAXPROCS },
		},
		{
			Name: "max-requests", Group: Workers, Placeholder: "N", Default: "0", Unset: "0, off",
			Usage:    "requests after which a worker is replaced",
			Help:     `After this number of requests a worker asks the master to replace it. The worker leaves when its successor has loaded the model and accepts connections. So no request fails. 0 means never.`,
			Gunicorn: "--max-requests", Uvicorn: "--limit-max-requests",
			Differs: "the successor is ready before the worker leaves, so there are never fewer workers",
			field:   func(s *Settings) any { return &s.MaxRequests },
		},
		{
			Name: "max-requests-jitter", Group: Workers, Placeholder: "N", Default: "0",
			Usage:    "up to N more requests, a different number for each worker",
			Help:     `When a worker starts, it draws a number from 0 to N and adds it to --max-requests. So workers that started together are not replaced together. Without --max-requests this setting is an error.`,
			Gunicorn: "--max-requests-jitter", Uvicorn: "--limit-max-requests-jitter",
			Differs: "an error without --max-requests",
			field:   func(s *Settings) any { return &s.MaxRequestsJitter },
		},
		{
			Name: "max-worker-age", Group: Workers, Placeholder: "TIME", Default: "0s", Unset: "0, off",
			Usage: "age at which a worker is replaced",
			Help: `A worker that has served for this TIME is replaced. For each worker the TIME is up to a tenth shorter, at random. Workers are replaced one at a time, and each leaves when its successor is ready. So no request fails. 0 means never.

In seconds (30, 0.5) or as a duration (1m30s, 250ms).`,
			Differs: "not in Gunicorn or Uvicorn",
			field:   func(s *Settings) any { return &s.MaxWorkerAge },
		},
		{
			Name: "max-worker-memory", Group: Workers, Placeholder: "SIZE", Default: "0", Auto: true, Unset: "0, off",
			Usage: "memory above which a worker is replaced; auto: a share of the limit",
			Help: `A worker that takes more memory than this is replaced. The master looks every five seconds, and replaces a worker that is above the limit three times in a row. Workers are replaced one at a time, and each leaves when its successor is ready. So no request fails. 0 means never.

Memory that processes share, such as a built-in model, counts in equal parts, as in narwhal status (PSS). The limit is in bytes or has a unit: 512MiB (powers of 1024), 500MB (powers of 1000). It must leave room for the model: a worker that is above it from the start is replaced again and again, with a warning.

auto means a share of the memory limit of narwhal's control group (docker run --memory, MemoryMax= of systemd, limits.memory of Kubernetes): four fifths of it, divided by the number of workers and one. The one is the successor that starts while a worker that is too large still serves. The last fifth is for the master and for the kernel's buffers. Without a limit auto is off. It is also off, with a warning, if the share is less than 48MiB. A reload reads the limit again.`,
			Differs: "not in Gunicorn or Uvicorn",
			field:   func(s *Settings) any { return &s.MaxWorkerMemory },
		},
	}
}
