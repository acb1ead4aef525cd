// Package statsd sends numbers to a statsd server, in Gunicorn's form. It sends datagrams:
// nobody says whether they arrive.
package statsd

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Addr is the address of a server.
type Addr struct {
	Network string // udp or unixgram
	Address string // HOST:PORT or PATH
}

// String gives the form that Parse takes.
func (a Addr) String() string {
	if a.Network == "unixgram" {
		return "unix:" + a.Address
	}
	return a.Address
}

// defaultPort is the port of statsd, and Gunicorn's default.
const defaultPort = "8125"

// Parse reads an address: HOST:PORT, HOST for port 8125, [IPv6]:PORT, or unix:PATH for a
// datagram socket. A relative path is taken from dir. unix://PATH is allowed as in Gunicorn.
func Parse(text, dir string) (Addr, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		if path == "" {
			return Addr{}, errors.New("there is no path after unix: write unix:PATH")
		}
		if !filepath.IsAbs(path) && path[0] != '@' {
			path = filepath.Join(dir, path)
		}
		return Addr{"unixgram", path}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), defaultPort
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return Addr{}, fmt.Errorf("%q is no address: want HOST:PORT or unix:PATH", text)
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return Addr{}, fmt.Errorf("%q is not a port: want a number from 1 to 65535", port)
	}
	if host == "" {
		return Addr{}, fmt.Errorf("%q has no host: want HOST:PORT or unix:PATH", text)
	}
	return Addr{"udp", net.JoinHostPort(host, port)}, nil
}

// mostBytes is the size of a datagram: one that fits into a packet of Ethernet.
const mostBytes = 1400

// patience is how long Flush waits for the name of a host, and for a server that reads
// slowly.
const patience = time.Second

// Sender collects numbers and sends them. Only one goroutine may use it.
type Sender struct {
	addr    Addr
	prefix  string
	conn    net.Conn // nil: not open
	packets [][]byte
}

// New returns a sender. If the prefix has no point at its end, it gets one, as in Gunicorn.
// It opens nothing before Flush.
func New(addr Addr, prefix string) *Sender {
	if prefix = strings.TrimRight(prefix, "."); prefix != "" {
		prefix += "."
	}
	return &Sender{addr: addr, prefix: prefix}
}

// Count adds n to a counter. It leaves out 0.
func (s *Sender) Count(name string, n uint64) {
	if n > 0 {
		s.add(name, fmt.Sprintf("%d|c|@1.0", n))
	}
}

// Gauge sets a gauge.
func (s *Sender) Gauge(name string, n float64) {
	s.add(name, strconv.FormatFloat(n, 'f', -1, 64)+"|g")
}

// Time notes a duration that stands for each of 1/rate durations.
func (s *Sender) Time(name string, d time.Duration, rate float64) {
	value := strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64) + "|ms"
	if rate < 1 {
		value += "|@" + strconv.FormatFloat(rate, 'g', 6, 64)
	}
	s.add(name, value)
}

func (s *Sender) add(name, value string) {
	line := s.prefix + name + ":" + value
	last := len(s.packets) - 1
	if last < 0 || len(s.packets[last])+1+len(line) > mostBytes {
		s.packets = append(s.packets, []byte(line))
		return
	}
	s.packets[last] = append(append(s.packets[last], '\n'), line...)
}

// Flush sends what was collected. After an error the rest is dropped, and the next Flush
// opens the socket anew. Flush returns after two seconds at most.
func (s *Sender) Flush() (err error) {
	packets := s.packets
	s.packets = nil
	if s.conn == nil && len(packets) > 0 {
		if s.conn, err = net.DialTimeout(s.addr.Network, s.addr.Address, patience); err != nil {
			s.conn = nil
			return err
		}
	}
	for i, p := range packets {
		if i == 0 {
			err = s.conn.SetWriteDeadline(time.Now().Add(patience))
		}
		if err == nil {
			_, err = s.conn.Write(p)
		}
		if err != nil {
			s.Close()
			return err
		}
	}
	return nil
}

// Close closes the socket.
func (s *Sender) Close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}
