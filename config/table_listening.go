package config

import "github.com/narwhal-server/narwhal/internal/sock"

func listening() []Setting {
	return []Setting{
		{
			Name: "bind", Short: "b", Group: Listening, Placeholder: "ADDRESS",
			Default: "127.0.0.1:8000",
			Usage:   "where to listen: HOST:PORT, [IPv6]:PORT, unix:PATH or fd://N; may be repeated",
			Help: `Where the server listens:

  HOST:PORT, HOST   a name or an IPv4 address; the port is 8000 if left out
  [IPv6]:PORT       an IPv6 address, in brackets
  :PORT             every interface, IPv4 and IPv6
  PORT              127.0.0.1:PORT
  unix:PATH         a unix socket; --socket-mode says who may connect
  unix:@NAME        an abstract unix socket, which has no file
  fd://N            a socket inherited as descriptor N, 3 or more

Repeat the flag, or separate addresses with commas, to listen on several. Port 0 takes a free port, and the server prints which.

The master binds each address once and every worker inherits the socket, so no connection is lost when a worker is replaced. A stale unix socket is replaced; one that is in use, and a file that is no socket, are refused. So is an address on which another narwhal listens.

Whoever can reach the address can use the server: there is no authentication. The default is reachable from this machine only.`,
			Gunicorn: "-b, --bind", Uvicorn: "--host, --port, --uds, --fd",
			Differs: "one flag instead of Uvicorn's four. A PORT alone means 127.0.0.1. PORT in the environment is not read",
			field:   func(s *Settings) any { return &s.Bind },
		},
		{
			Name: "socket-mode", Group: Listening, Placeholder: "MODE", Default: sock.DefaultAccess,
			Usage: "who may connect to the unix sockets: MODE or MODE:GROUP",
			Help: `The mode of the files of the unix sockets that --bind and --admin-bind make, in octal digits, and if need be their group: 0660:www-data. To connect one needs write permission, and has to reach the file: its folders count too. The umask does not matter.

The default lets every user of the machine connect, as Gunicorn, Uvicorn and systemd do, since a proxy is another user as a rule. With 0660:GROUP only the server's user and the members of GROUP can. To give a socket to a group, the server's user must be a member of it, or root.

A socket that systemd opens has the mode of its unit (SocketMode=, SocketGroup=). An abstract socket has none: every user of the network namespace can connect.`,
			Gunicorn: "-m, --umask",
			Differs:  "a mode, not a mask, and for sockets only; the default is as open as Gunicorn's",
			field:    func(s *Settings) any { return &s.SocketMode },
		},
		{
			Name: "backlog", Group: Listening, Placeholder: "N", Default: "2048", min: 1,
			Usage: "connections that may wait to be accepted",
			Help: `The length of each socket's listen queue: connections that the kernel has completed and no worker has accepted. All workers share the queue. When it is full the kernel drops the first packet of a new connection, and the client tries again after 1, 3, 7 seconds; if the queue stays full for some ten seconds, clients are reset. A worker of class concurrent takes what makes the queue longer than half, even if it cannot compute it yet, up to --worker-connections.

The kernel cuts the value to net.core.somaxconn, and narwhal warns if it did.`,
			Gunicorn: "--backlog", Uvicorn: "--backlog",
			Differs: "warns when the kernel's net.core.somaxconn cuts it",
			field:   func(s *Settings) any { return &s.Backlog },
		},
		{
			Name: "admin-bind", Group: Listening, Placeholder: "ADDRESS", Unset: "none",
			Usage: "where the master answers /healthz and /readyz",
			Help: `An address, in the forms of --bind, on which the master answers health checks itself, however busy the workers are:

  /healthz          200 while the master runs
  /readyz           200 while a worker is ready; 503 from the first TERM on

Without it the same paths are answered by the workers on the service's own address, where they wait their turn behind requests.`,
			Differs: "neither has one",
			field:   func(s *Settings) any { return &s.AdminBind },
		},
	}
}
