package config

import "github.com/narwhal-server/narwhal/internal/sock"

func listening() []Setting {
	return []Setting{
		{
			Name: "bind", Short: "b", Group: Listening, Placeholder: "ADDRESS",
			Default: "127.0.0.1:8000",
			Usage:   "where to listen: HOST:PORT, [IPv6]:PORT, unix:PATH or fd://N; may be repeated",
			Help: `Where the server listens:

  HOST:PORT, HOST   a name or an IPv4 address; the default port is 8000
  [IPv6]:PORT       an IPv6 address, in brackets
  :PORT             every interface, IPv4 and IPv6
  PORT              127.0.0.1:PORT
  unix:PATH         a unix socket; --socket-mode says who may connect
  unix:@NAME        an abstract unix socket, which has no file
  fd://N            a socket inherited as descriptor N, 3 or more

To listen on several addresses, repeat the flag or separate them with commas. Port 0 means a free port; the server prints which one.

The master binds each address once, and every worker inherits the socket. So no connection is lost when a worker is replaced. A unix socket that nobody listens on is replaced. The master refuses a unix socket that is in use, a file that is not a socket, and an address on which another narwhal listens.

The default address can be reached from this machine only. Everybody who can reach the address can use the server, unless --auth-token-file is set. A warning says so if other machines can reach it.`,
			Gunicorn: "-b, --bind", Uvicorn: "--host, --port, --uds, --fd",
			Differs: "one flag instead of Uvicorn's four. A PORT alone means 127.0.0.1. The variable PORT is not read; a warning says so",
			field:   func(s *Settings) any { return &s.Bind },
		},
		{
			Name: "socket-mode", Group: Listening, Placeholder: "MODE", Default: sock.DefaultAccess,
			Usage: "who may connect to the unix sockets: MODE or MODE:GROUP",
			Help: `The file mode of the unix sockets that --bind and --admin-bind make, in octal digits, and optionally their group: 0660:www-data. A client needs write permission for the file, and access to its folders. The umask has no effect.

By default every user of the machine can connect, as with Gunicorn, Uvicorn and systemd, because a proxy usually runs as another user. With 0660:GROUP only the server's user and the members of GROUP can connect. For that the server's user must be root or a member of GROUP.

A socket that systemd opens has the mode of its unit (SocketMode=, SocketGroup=). An abstract socket has no mode: every user of the network namespace can connect.`,
			Gunicorn: "-m, --umask",
			Differs:  "a mode instead of a mask, and for sockets only. The default is as open as Gunicorn's",
			field:    func(s *Settings) any { return &s.SocketMode },
		},
		{
			Name: "backlog", Group: Listening, Placeholder: "N", Default: "2048", min: 1,
			Usage: "connections that may wait to be accepted",
			Help: `The length of each socket's queue of connections that no worker has accepted yet. All workers share the queue. When it is full, the kernel drops the first packet of a new connection, and the client tries again after 1, 3 and 7 seconds. If the queue stays full for about ten seconds, clients are reset. When the queue is more than half full, a concurrent worker accepts connections whose requests it cannot compute yet, up to --worker-connections.

The kernel allows at most net.core.somaxconn. If the value is larger, narwhal warns.`,
			Gunicorn: "--backlog", Uvicorn: "--backlog",
			Differs: "warns if it is larger than net.core.somaxconn",
			field:   func(s *Settings) any { return &s.Backlog },
		},
		{
			Name: "admin-bind", Group: Listening, Placeholder: "ADDRESS", Unset: "none",
			Usage: "where the master answers /healthz, /readyz and /metrics; / is a page for people",
			Help: `An address, in the forms of --bind, on which the master itself answers, however busy the workers are:

  /healthz          200 while the master runs
  /readyz           200 while a worker is ready; 503 from the first TERM on
  /metrics          what all workers have counted, for Prometheus; see
                    docs/metrics.md
  /                 a page for a browser: workers, rate, latency, queue, and
                    the events of the last hour. It shows no text

Without it only the workers answer the first two, on the addresses of --bind. There a health check waits behind requests.

The admin address has no login. Whoever reaches it can read all that is there, and change nothing.`,
			Differs: "not in Gunicorn or Uvicorn",
			field:   func(s *Settings) any { return &s.AdminBind },
		},
		{
			Name: "metrics", Group: Listening, Placeholder: "on|off", Default: "off",
			Choices: []string{"on", "off"},
			Usage:   "whether the addresses of --bind have /metrics, too",
			Help: `With on, /metrics is also a path of the service itself, on every address of --bind. It has the same numbers as on the admin address: those of all workers together. Such a request waits for its turn like any other, and needs a token if --auth-token-file is set.

Everybody who may use the service can then see how much it is used. --admin-bind has /metrics without this setting.`,
			Differs: "neither has metrics for Prometheus",
			field:   func(s *Settings) any { return &s.Metrics },
		},
	}
}
