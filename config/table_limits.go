package config

func bounds() []Setting {
	return []Setting{
		{
			Name: "worker-connections", Group: Limits, Placeholder: "N", Default: "1000", min: 1,
			Usage: "open connections of a worker; more have to wait",
			Help: `How many connections a worker holds open. At the limit it stops accepting, and further clients wait in the kernel's queue (--backlog) until a connection closes or another worker has room. Nobody gets a 503 for it; a client cannot tell that it waits from a slow answer.

To turn requests away instead, see --limit-concurrency.`,
			Gunicorn: "--worker-connections", Uvicorn: "--limit-concurrency",
			Differs: "as Gunicorn's gthread and gevent, and it holds for sync too. Uvicorn's --limit-concurrency answers 503 and is --limit-concurrency here",
			field:   func(s *Settings) any { return &s.WorkerConnections },
		},
		{
			Name: "limit-concurrency", Group: Limits, Placeholder: "N", Default: "0", Unset: "0, off",
			Usage: "unanswered requests of a worker; more get a 503",
			Help: `How many requests a worker may have accepted and not yet answered, computing or waiting. One beyond exactly N is read and answered at once with 503 and a Retry-After. /healthz and /readyz are exempt. 0 means no limit.

It cannot be larger than --worker-connections, since it could never be reached then.`,
			Uvicorn: "--limit-concurrency",
			Differs: "exactly N are served, where Uvicorn serves N - 1; requests count, idle connections do not; health checks are exempt",
			field:   func(s *Settings) any { return &s.LimitConcurrency },
		},
		{
			Name: "limit-body", Group: Limits, Placeholder: "SIZE", Default: "1MiB", min: 1,
			Usage:   "largest request body; a larger one gets a 413",
			Help:    `The largest body of a request, in bytes or with a unit: 1048576, 512KiB, 1MiB (powers of 1024), 500kB, 2MB (powers of 1000). A larger one is answered with 413. At most 1GiB.`,
			Differs: "neither limits it",
			field:   func(s *Settings) any { return &s.LimitBody },
		},
		{
			Name: "limit-buffers", Group: Limits, Placeholder: "SIZE", Default: "0", Unset: "0: 64MiB, or twice --limit-body if that is more",
			Usage: "requests and unsent answers in a worker, bytes",
			Help: `How many bytes of requests and of unsent answers a worker holds at once, all connections together. At the limit it accepts nobody: clients wait in the kernel's queue, or another worker takes them. A request that would need more is answered with 503 and a Retry-After. But first the requests make room that have been incomplete for longest, if for more than a second.

A worker holds the bytes that have come, not those that a Content-Length announces. Beside them it has a copy of each request that it computes (--threads), and some kilobytes for each connection. Must not be smaller than --limit-body. 0 means 64MiB, or twice --limit-body if that is more.`,
			Differs: "neither has such a limit",
			field:   func(s *Settings) any { return &s.LimitBuffers },
		},
	}
}

func times() []Setting {
	const forms = "\n\nSeconds (30, 0.5) or a duration (1m30s, 250ms)."
	return []Setting{
		{
			Name: "timeout", Short: "t", Group: Times, Placeholder: "TIME", Default: "30s",
			Usage: "a request running longer has its worker replaced",
			Help: `How long a request may run. When one runs longer (in concurrent mode, the worker's oldest), its method, path, age and size are logged and a successor is started. In concurrent mode the other requests of the worker may still finish within --graceful-timeout. Then the worker gets SIGABRT, which writes all its goroutines to the log, and SIGKILL two seconds later. A worker that has stopped altogether is replaced as well. 0 means no limit.

The time a worker takes to load its model does not count; see --boot-timeout.` + forms,
			Gunicorn: "-t, --timeout", Uvicorn: "--timeout-worker-healthcheck",
			Differs: "the age of the oldest request, in every worker class. Gunicorn's is silence of the worker, which sees no stuck thread",
			field:   func(s *Settings) any { return &s.Timeout },
		},
		{
			Name: "boot-timeout", Group: Times, Placeholder: "TIME", Default: "60s",
			Usage:   "from a worker's start until it is ready",
			Help:    `How long a worker may take from its start until its model is loaded and it accepts connections. One that takes longer is killed and started again, with growing pauses. 0 means no limit.` + forms,
			Differs: "Gunicorn's --timeout counts the start too, and kills a slow one for ever",
			field:   func(s *Settings) any { return &s.BootTimeout },
		},
		{
			Name: "graceful-timeout", Group: Times, Placeholder: "TIME", Default: "30s",
			Usage: "a leaving worker's time to finish its requests",
			Help: `How long a worker that was told to leave (TERM, HUP, TTOU, --max-requests) may go on with its requests before it gets SIGKILL. With 0 it gets none.

Let whoever stops the server wait longer than this: TimeoutStopSec in a systemd unit, terminationGracePeriodSeconds in Kubernetes.` + forms,
			Gunicorn: "--graceful-timeout", Uvicorn: "--timeout-graceful-shutdown",
			Differs: "holds on HUP too. Uvicorn has no limit unless told",
			field:   func(s *Settings) any { return &s.GracefulTimeout },
		},
		{
			Name: "drain-delay", Group: Times, Placeholder: "TIME", Default: "0s",
			Usage: "from TERM, when readiness fails, to the drain",
			Help: `On TERM (and narwhal stop) /readyz of the master and of the workers fails at once, and requests are served as before for this TIME. Then the graceful stop begins. It gives a load balancer the time to see that this server is leaving, and to send requests elsewhere. A second TERM or INT ends the server at once.

A stop takes up to --drain-delay + --graceful-timeout. Let whoever stops the server wait longer than both together: TimeoutStopSec in a systemd unit, terminationGracePeriodSeconds in Kubernetes. If the sum is more than Kubernetes' 30 seconds, narwhal warns.` + forms,
			Differs: "in place of a sleep in a preStop hook",
			field:   func(s *Settings) any { return &s.DrainDelay },
		},
		{
			Name: "keep-alive", Group: Times, Placeholder: "TIME", Default: "2s",
			Usage:    "idle time of a kept connection",
			Help:     `How long a client may count on a connection on which it sends no request. Answers say it in whole seconds (Keep-Alive: timeout=2), and the connection is closed one second later, so that a request sent at the last moment still finds it open. With 0 each connection is closed after one answer. A sync worker does that anyway, unless --keep-alive-mode says otherwise.` + forms,
			Gunicorn: "--keep-alive", Uvicorn: "--timeout-keep-alive",
			Differs: "a sync worker closes each connection, as in Gunicorn; Uvicorn's default is 5s",
			field:   func(s *Settings) any { return &s.KeepAlive },
		},
		{
			Name: "keep-alive-mode", Group: Times, Placeholder: "MODE", Default: Auto, Unset: "auto: off if sync, pinned if concurrent",
			Choices: []string{Auto, Pinned, Parked, Off},
			Usage:   "where idle connections are kept",
			Help: `What becomes of a connection between two requests:

  off       it is closed after each answer
  pinned    it stays with its worker, and moves with a request that would
            have to wait while another worker is free; for concurrent workers
            only
  parked    the master keeps it until any worker has room for its next request

Parked connections share one queue with new ones: a new worker has its part of the work at once, and a worker that dies takes no idle connection with it. The price is some 0.13 ms of processor time a request. When the master itself is killed, idle connections are closed.

auto is off for --worker-class sync and pinned for concurrent.`,
			Differs: "both pin connections to their worker; Gunicorn's sync worker closes them",
			field:   func(s *Settings) any { return &s.KeepAliveMode },
		},
	}
}
