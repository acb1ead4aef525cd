package config

import "github.com/narwhal-server/narwhal/limits"

// bounds returns the settings of the group Limits. (Package limits has taken that name.)
func bounds() []Setting {
	return []Setting{
		{
			Name: "worker-connections", Group: Limits, Placeholder: "N", Default: "1000", min: 1,
			Usage: "open connections of a worker; others wait",
			Help: `The largest number of connections that a worker holds open. At this number the worker stops accepting. Further clients wait in the kernel's queue (--backlog) until a connection closes or another worker accepts them. They are not refused: to a client, waiting looks like a slow answer.

To refuse requests instead, set --limit-concurrency.`,
			Gunicorn: "--worker-connections", Uvicorn: "--limit-concurrency",
			Differs: "as in Gunicorn's gthread and gevent, and also for sync workers. Uvicorn's --limit-concurrency answers 503, as --limit-concurrency does here",
			field:   func(s *Settings) any { return &s.WorkerConnections },
		},
		{
			Name: "limit-concurrency", Group: Limits, Placeholder: "N", Default: "0", Unset: "0, off",
			Usage:   "unanswered texts of a worker; more get a 503",
			Help:    `The largest number of texts that a worker may have accepted and not yet answered, computing or waiting. The worker reads a further request and answers it at once with 503 and a Retry-After. A request with several texts counts as one until it is its turn. Then it is answered with 503 if its texts are too many. One with more texts than N is served while the worker has no other. /healthz and /readyz are exempt. 0 means no limit.`,
			Uvicorn: "--limit-concurrency",
			Differs: "N requests are served; Uvicorn serves N - 1. Texts count, idle connections do not. Health checks are exempt",
			field:   func(s *Settings) any { return &s.LimitConcurrency },
		},
		{
			Name: "limit-request-line", Group: Limits, Placeholder: "N", Default: "4094", max: limits.MaxRequestHead,
			Usage: "bytes of a request line; a longer one gets a 414",
			Help: `How many bytes the first line of a request may have: the method, the target and the version. A longer line is answered with 414. Make it larger if clients send long query strings. 0 means no limit of its own.

The request line and all header fields together never have more than 1 MiB.`,
			Gunicorn: "--limit-request-line",
			Differs:  "answered with 414. 0 means at most 1 MiB, and more than 8190 is possible",
			field:    func(s *Settings) any { return &s.LimitRequestLine },
		},
		{
			Name: "limit-request-fields", Group: Limits, Placeholder: "N", Default: "100", max: limits.MaxRequestFields,
			Usage:    "header fields of a request; more get a 431",
			Help:     `How many header fields and trailers a request may have. A request with more is answered with 431. At most 32768, and 0 means 32768.`,
			Gunicorn: "--limit-request-fields",
			Differs:  "trailers count, too",
			field:    func(s *Settings) any { return &s.LimitRequestFields },
		},
		{
			Name: "limit-request-field-size", Aliases: []string{"limit-request-field_size"},
			Group: Limits, Placeholder: "N", Default: "8190", max: limits.MaxRequestHead,
			Usage: "bytes of a header field; a longer one gets a 431",
			Help: `How many bytes one header field may have: its name, the colon and its value. A longer field is answered with 431. Make it larger if clients send large cookies or tokens. 0 means no limit of its own.

The request line and all header fields together never have more than 1 MiB. A worker holds what clients have sent of them within --limit-buffers.`,
			Gunicorn: "--limit-request-field_size",
			Differs:  "both spellings are accepted. The CR LF does not count. 0 means at most 1 MiB",
			field:    func(s *Settings) any { return &s.LimitRequestFieldSize },
		},
		{
			Name: "limit-body", Group: Limits, Placeholder: "SIZE", Default: "1MiB", min: 1,
			Usage:   "largest request body; a larger one gets a 413",
			Help:    `The largest body of a request, in bytes or with a unit: 1048576, 512KiB, 1MiB (powers of 1024), 500kB, 2MB (powers of 1000). A larger body is answered with 413. The limit is at most 1GiB.`,
			Differs: "Gunicorn and Uvicorn do not limit it",
			field:   func(s *Settings) any { return &s.LimitBody },
		},
		{
			Name: "limit-buffers", Group: Limits, Placeholder: "SIZE", Default: "0", Unset: "0: 64MiB, or twice --limit-body if that is more",
			Usage: "bytes of requests and unsent answers in a worker",
			Help: `The largest number of bytes of requests and unsent answers that a worker holds, of all connections together. At the limit the worker accepts no connection: clients wait in the kernel's queue, or another worker accepts them. A request that would need more is answered with 503 and a Retry-After, unless others can make room: requests that have been incomplete for more than a second, the oldest first.

The bytes that have arrived count, not those that a Content-Length announces. In addition the worker has a copy of each request that it computes (--threads), and some kilobytes for each connection. The limit must not be smaller than --limit-body. 0 means 64MiB, or twice --limit-body if that is more.`,
			Differs: "not in Gunicorn or Uvicorn",
			field:   func(s *Settings) any { return &s.LimitBuffers },
		},
	}
}

// times returns the settings of the group Times.
func times() []Setting {
	const forms = "\n\nIn seconds (30, 0.5) or as a duration (1m30s, 250ms)."
	return []Setting{
		{
			Name: "timeout", Short: "t", Group: Times, Placeholder: "TIME", Default: "30s",
			Usage: "a worker whose request runs longer is replaced",
			Help: `How long a request may run. Of a request with several texts, each may run so long. If a request runs longer, the log has its method, path, age and size, and the master starts another worker in place of this one. In a concurrent worker the other requests may still finish within --graceful-timeout. Then the worker gets SIGABRT, which writes the stacks of all its goroutines to the log, and SIGKILL two seconds later. A worker that shows no sign of life is replaced, too. 0 means no limit.

The time in which a worker loads its model does not count: see --boot-timeout.` + forms,
			Gunicorn: "-t, --timeout", Uvicorn: "--timeout-worker-healthcheck",
			Differs: "limits the age of the worker's oldest request, in every worker class. Gunicorn limits how long the worker is silent, and so does not notice a thread that hangs",
			field:   func(s *Settings) any { return &s.Timeout },
		},
		{
			Name: "boot-timeout", Group: Times, Placeholder: "TIME", Default: "60s",
			Usage:   "time from a worker's start until it is ready",
			Help:    `How long a worker may take from its start until it has loaded the model and accepts connections. A worker that takes longer is killed, and another is started. The pause before each start grows. 0 means no limit.` + forms,
			Differs: "Gunicorn's --timeout includes the start: a worker that starts too slowly is killed again and again",
			field:   func(s *Settings) any { return &s.BootTimeout },
		},
		{
			Name: "graceful-timeout", Group: Times, Placeholder: "TIME", Default: "30s",
			Usage: "time for a leaving worker to finish its requests",
			Help: `How long a worker that leaves (after TERM, HUP, TTOU or --max-requests) may still answer its requests. Then it gets SIGKILL. With 0 it gets no time.

Whatever stops the server must wait longer than this: set TimeoutStopSec in a systemd unit, and terminationGracePeriodSeconds in Kubernetes.` + forms,
			Gunicorn: "--graceful-timeout", Uvicorn: "--timeout-graceful-shutdown",
			Differs: "applies to HUP, too. Uvicorn has no limit by default",
			field:   func(s *Settings) any { return &s.GracefulTimeout },
		},
		{
			Name: "drain-delay", Group: Times, Placeholder: "TIME", Default: "0s",
			Usage: "time from TERM, when /readyz fails, to the drain",
			Help: `After TERM (and narwhal stop) /readyz of the master and of the workers fails at once, and requests are served as before for this TIME. Then the workers drain. Meanwhile a load balancer can see that this server leaves, and send requests elsewhere. A second TERM or INT ends the server at once.

A stop takes up to --drain-delay and --graceful-timeout together. Whatever stops the server must wait longer than both: set TimeoutStopSec in a systemd unit, and terminationGracePeriodSeconds in Kubernetes. If the sum is more than Kubernetes' 30 seconds, narwhal warns.` + forms,
			Differs: "replaces a sleep in a preStop hook",
			field:   func(s *Settings) any { return &s.DrainDelay },
		},
		{
			Name: "keep-alive", Group: Times, Placeholder: "TIME", Default: "2s",
			Usage:    "how long an idle connection is kept open (sync: see --keep-alive-mode)",
			Help:     `How long a connection stays open on which the client sends no request. Answers tell the client this TIME in whole seconds (Keep-Alive: timeout=2). The connection is closed one second later, so a request that is sent at the last moment still finds it open. With 0 each connection is closed after one answer. A sync worker always does that, unless --keep-alive-mode is set.` + forms,
			Gunicorn: "--keep-alive", Uvicorn: "--timeout-keep-alive",
			Differs: "a sync worker closes each connection, as in Gunicorn; Uvicorn's default is 5s",
			field:   func(s *Settings) any { return &s.KeepAlive },
		},
		{
			Name: "keep-alive-mode", Group: Times, Placeholder: "MODE", Default: Auto, Unset: "auto: off if sync, pinned if concurrent",
			Choices: []string{Auto, Pinned, Parked, Off},
			Usage:   "where idle connections are kept",
			Help: `What happens to a connection between two requests:

  off       it is closed after each answer
  pinned    its worker keeps it. If the next request would have to wait while
            another worker is free, the connection moves there with the
            request. For concurrent workers only
  parked    the master keeps it until any worker has room for its next request

Parked and new connections take turns. So a new worker gets its share of the work at once, and a worker that dies loses no idle connection. A parked connection costs about 0.13 ms of processor time more for each request. If the master is killed, idle connections are closed.

auto means off for --worker-class sync, and pinned for concurrent.`,
			Differs: "Gunicorn and Uvicorn pin connections to their worker; Gunicorn's sync worker closes them",
			field:   func(s *Settings) any { return &s.KeepAliveMode },
		},
	}
}
