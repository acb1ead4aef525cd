package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/narwhal-server/narwhal/config"
)

// announce is the greeting for a log: what only the settings and the model say.
func announce(s *config.Settings, bound []string, model string) {
	slog.Info("serving", "address", strings.Join(bound, ","), "workers", s.Workers, "class", s.WorkerClass, "model", model, "reach", reach(bound))
}

// greet tells a person at a terminal what to do next, in six lines.
func greet(w io.Writer, s *config.Settings, bound []string, model string) {
	first, url := bound[0], "http://localhost"
	curl := "curl -X GET "
	if path, ok := strings.CutPrefix(first, "unix:"); ok {
		flag := "--unix-socket "
		if name, abstract := strings.CutPrefix(path, "@"); abstract {
			flag, path = "--abstract-unix-socket ", name
		}
		curl += flag + path + " "
	} else if !strings.HasPrefix(first, "fd://") {
		url = "http://" + reachable(first)
	}
	class := "sync: one request at a time each"
	if s.WorkerClass == config.Concurrent {
		class = "concurrent: up to " + fmt.Sprint(s.WorkerConnections) + " connections each"
	}
	fmt.Fprintf(w, "narwhal serves %s\n", strings.Join(bound, ", "))
	fmt.Fprintf(w, "  try      %s%s -H 'Content-Type: application/json' -d '{\"text\":\"Angela Merkel was born in Hamburg.\"}'\n", curl, url)
	fmt.Fprintf(w, "  workers  %d (%s)\n", s.Workers, class)
	fmt.Fprintf(w, "  model    %s\n", model)
	fmt.Fprintf(w, "  reach    %s\n", reach(bound))
	fmt.Fprintf(w, "  stop     Ctrl-C, or kill %d\n", os.Getpid())
}

// reachable is an address of this machine that stands for all of them.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// reach says from how far away the addresses can be reached.
func reach(bound []string) string {
	for _, b := range bound {
		host, _, err := net.SplitHostPort(b)
		switch ip := net.ParseIP(host); {
		case strings.HasPrefix(b, "unix:"):
		case strings.HasPrefix(b, "fd://"):
			return "as far as whoever opened the socket decided"
		case err == nil && (host == "localhost" || ip != nil && ip.IsLoopback()):
		case err == nil && (host == "" || ip != nil && ip.IsUnspecified()):
			return "every network of this machine; there is no login and no TLS, so put a proxy or a firewall in front"
		default:
			return "the network of " + host + "; there is no login and no TLS, so put a proxy or a firewall in front"
		}
	}
	return "this machine only"
}
