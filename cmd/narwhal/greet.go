package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/logevent"
)

// announce logs that the service has started: the addresses, the workers, the model,
// and from where clients can connect.
func announce(s *config.Settings, bound []string, model string) {
	logevent.Serving.Log(slog.Default(), "serving", "address", strings.Join(bound, ","), "workers", s.Workers, "class", s.WorkerClass, "model", model, "reach", reach(s, bound))
}

// greet writes six lines for a person at a terminal: where the page is, a command to try,
// and how to stop the server.
func greet(w io.Writer, s *config.Settings, bound []string, model string) {
	first, url := bound[0], "http://localhost"
	curl := "curl "
	if path, ok := strings.CutPrefix(first, "unix:"); ok {
		flag := "--unix-socket "
		if name, abstract := strings.CutPrefix(path, "@"); abstract {
			flag, path = "--abstract-unix-socket ", name
		}
		curl += flag + path + " "
	} else if !strings.HasPrefix(first, "fd://") {
		url = "http://" + reachable(first)
	}
	if s.Certfile != "" {
		url = secured(url)
	}
	if s.AuthTokenFile != "" {
		curl += "-H 'Authorization: Bearer TOKEN' "
	}
	class := "sync: one request at a time each"
	if s.WorkerClass == config.Concurrent {
		class = "concurrent: up to " + fmt.Sprint(s.WorkerConnections) + " connections each"
	}
	var serves []string
	for _, b := range bound {
		b = browsable(b)
		if s.Certfile != "" {
			b = secured(b)
		}
		serves = append(serves, b)
	}
	fmt.Fprintf(w, "narwhal serves %s\n", strings.Join(serves, ", "))
	fmt.Fprintf(w, "  try      %s%s -H 'Content-Type: application/json' -d '{\"text\":\"Angela Merkel was born in Hamburg.\"}'\n", curl, url)
	fmt.Fprintf(w, "  workers  %d (%s)\n", s.Workers, class)
	fmt.Fprintf(w, "  model    %s\n", model)
	fmt.Fprintf(w, "  reach    %s\n", reach(s, bound))
	fmt.Fprintf(w, "  stop     Ctrl-C, or kill %d\n", os.Getpid())
}

// secured returns an address of HTTP as one of HTTPS.
func secured(url string) string { return strings.Replace(url, "http://", "https://", 1) }

// browsable returns what a person can open in a browser on this machine: for an address
// of TCP that of its page. A browser cannot open other addresses.
func browsable(addr string) string {
	if strings.HasPrefix(addr, "unix:") || strings.HasPrefix(addr, "fd://") {
		return addr
	}
	return "http://" + reachable(addr) + "/"
}

// reachable returns an address that a client on this machine can connect to. For an
// address that stands for all (0.0.0.0, ::) that is the loopback address.
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

// reach says from where clients can connect: from this machine only, or from a network. It
// also says what keeps strangers out.
func reach(s *config.Settings, bound []string) string {
	guard := "; there is no login and no TLS, so put a proxy or a firewall in front"
	switch token, secure := s.AuthTokenFile != "", s.Certfile != ""; {
	case secure && s.CACerts != "":
		guard = "; clients need a certificate"
	case secure && token:
		guard = "; clients need a token"
	case secure:
		guard = "; there is TLS and no login"
	case token:
		guard = "; clients need a token, which others can read on the way: there is no TLS"
	}
	for _, b := range bound {
		host, _, err := net.SplitHostPort(b)
		switch ip := net.ParseIP(host); {
		case strings.HasPrefix(b, "unix:"):
		case strings.HasPrefix(b, "fd://"):
			return "decided by the program that opened the socket"
		case err == nil && (host == "localhost" || ip != nil && ip.IsLoopback()):
		case err == nil && (host == "" || ip != nil && ip.IsUnspecified()):
			return "every network of this machine" + guard
		default:
			return "the network of " + host + guard
		}
	}
	return "this machine only"
}
