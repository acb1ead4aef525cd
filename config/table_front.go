package config

import (
	"github.com/narwhal-server/narwhal/internal/certs"
	"github.com/narwhal-server/narwhal/internal/peers"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/tokens"
)

func front() []Setting {
	return []Setting{
		{
			Name: "certfile", Group: Front, Placeholder: "PATH", Unset: "none: no TLS",
			Usage: "a certificate: all --bind addresses speak HTTPS",
			Help: `A file with the server's certificate in PEM, and behind it the certificates that lead to one that clients know. With it every address of --bind speaks HTTPS: HTTP/1.1 over TLS 1.2 or 1.3. The admin address stays plain HTTP.

HUP reads the files again, so a certificate is renewed without a restart. A pair that does not fit is refused, and the old one stays in force. A handshake that fails or stalls costs one connection, and no place; a warning reports one a minute.

A TLS connection stays with its worker: a request that has to wait does not move to an idle worker. So TLS excludes --keep-alive-mode parked. If all requests must go to the next idle worker, let a proxy in front do TLS: docs/front.md.`,
			Gunicorn: "--certfile", Uvicorn: "--ssl-certfile",
			Differs: "TLS 1.2 at least; the files are read again on HUP",
			field:   func(s *Settings) any { return &s.Certfile },
		},
		{
			Name: "keyfile", Group: Front, Placeholder: "PATH", Unset: "in --certfile",
			Usage:    "the key of the certificate",
			Help:     `A file with the private key of --certfile in PEM, not encrypted. Without it the key is in the file of --certfile. Make it readable for the server's user only: a warning says if others can read it.`,
			Gunicorn: "--keyfile", Uvicorn: "--ssl-keyfile",
			Differs: "the key must not be encrypted",
			field:   func(s *Settings) any { return &s.Keyfile },
		},
		{
			Name: "ca-certs", Group: Front, Placeholder: "PATH", Unset: "none",
			Usage:    "authorities that must have signed the client's certificate",
			Help:     `A file with certificates of authorities in PEM. With it every client must have a certificate that one of them has signed (mutual TLS), also for health checks on --bind addresses. HUP reads it again.`,
			Gunicorn: "--ca-certs", Uvicorn: "--ssl-ca-certs",
			Differs: "a client without a certificate is refused, as with their cert_reqs 2",
			field:   func(s *Settings) any { return &s.CACerts },
		},
		{
			Name: "auth-token-file", Group: Front, Placeholder: "PATH", Unset: "none: everybody may ask",
			Usage: "a file of tokens; a request must have one of them",
			Help: `A file of bearer tokens, one a line; a line that begins with # is a comment. Each request must have one of them:

  Authorization: Bearer TOKEN

Any other request is answered 401 as soon as its head is read: its body is not read, and it waits for no place. Health checks (/healthz, /readyz) need no token. HUP reads the file again, so a token can be added or taken away without a restart; a wrong file is refused, and the old tokens stay in force.

Make a token with openssl rand -hex 32, and the file readable for the server's user only: a warning says if others can read it. Without TLS everybody on the way can read the token: see --certfile, or put a proxy in front.`,
			Differs: "neither has one",
			field:   func(s *Settings) any { return &s.AuthTokenFile },
		},
		{
			Name: "cors-origin", Group: Front, Placeholder: "ORIGIN", Unset: "none",
			Usage: "pages that may call from a browser; * for all; may be repeated",
			Help: `The origins whose pages may call the service from a browser (CORS): https://example.org, http://localhost:3000, or * for every page. An origin is how a page's address begins, up to the port, exactly as browsers send it. Repeat the flag, or separate origins with commas.

The browser's question before a request (OPTIONS) is answered with the methods of the path and with the header fields that a page may send: Authorization among them if --auth-token-file is set. Without this setting such questions are refused, and a browser lets no other page read an answer. It protects people who browse, not the service: other clients do not ask.`,
			Differs: "a middleware of the application",
			field:   func(s *Settings) any { return &s.CORSOrigins },
		},
		{
			Name: "forwarded-allow-ips", Group: Front, Placeholder: "ADDRESS", Default: "127.0.0.1,::1",
			Usage: "proxies that are believed who the client is; * for all",
			Help: `The addresses (192.0.2.1) and networks (192.0.2.0/24) of the proxies in front of narwhal; * stands for all. Repeat the flag, or separate addresses with commas. The other end of a unix socket is always believed. "" means that nobody is.

If a request comes from such a proxy, the client's address in the access log is the last address of X-Forwarded-For that is no such proxy's; without that field, of Forwarded (RFC 7239). The scheme is that of X-Forwarded-Proto or Forwarded. A proxy must set or remove these fields, or clients could choose what is logged: docs/front.md. No answer depends on them.

The variable FORWARDED_ALLOW_IPS replaces the default, as with Gunicorn and Uvicorn.`,
			Gunicorn: "--forwarded-allow-ips", Uvicorn: "--forwarded-allow-ips",
			Differs: "for the access log; the client is the last address that is not trusted. --proxy-headers is always on",
			field:   func(s *Settings) any { return &s.ForwardedAllowIPs },
		},
		{
			Name: "proxy-protocol", Group: Front, Placeholder: "VERSION", Default: "off",
			Choices: []string{"off", "v1", "v2", "auto"},
			Usage:   "the PROXY header before each connection: off, v1, v2 or auto",
			Help: `Whether each connection begins with a header of the PROXY protocol, in which a proxy says who its own client is: off, v1 (a line of text), v2 (binary), or auto (either). HAProxy sends it with send-proxy, nginx with proxy_protocol on, load balancers of clouds if told to. The client's address in the access log is then the one of the header.

A connection that has no valid header, or does not come from --proxy-allow-from, is closed; a warning says so once a minute. That holds for health checks of the proxy, too. The header must arrive within the time limit of a request. The admin address has no such header.

It excludes --keep-alive-mode parked, since the address would be lost.`,
			Gunicorn: "--proxy-protocol",
			Differs:  "needs a value: auto is Gunicorn's --proxy-protocol alone",
			hint:     "auto stands for Gunicorn's --proxy-protocol without a value",
			field:    func(s *Settings) any { return &s.ProxyProtocol },
		},
		{
			Name: "proxy-allow-from", Group: Front, Placeholder: "ADDRESS", Default: "127.0.0.1,::1",
			Usage:    "who may connect with --proxy-protocol; * for all",
			Help:     `The addresses and networks of the proxies that may connect if --proxy-protocol is on, in the form of --forwarded-allow-ips. Other connections are closed. The other end of a unix socket always may.`,
			Gunicorn: "--proxy-allow-from",
			field:    func(s *Settings) any { return &s.ProxyAllowFrom },
		},
	}
}

// checkTLS reads the files of TLS.
func (l *loader) checkTLS() {
	s := l.settings
	if s.Certfile == "" {
		for name, path := range map[string]string{"keyfile": s.Keyfile, "ca-certs": s.CACerts} {
			if path != "" {
				l.blame(name, "set --certfile, too", "there is no certificate, so there is no TLS")
			}
		}
		return
	}
	files, warnings, err := certs.Read(s.Certfile, s.Keyfile, s.CACerts)
	if err != nil {
		l.blame("certfile", "want a certificate in PEM, its key in --keyfile, and for mutual TLS the authorities in --ca-certs", "%v", err)
	}
	s.secrets.TLS = files
	for _, w := range warnings {
		l.warn("certfile", w)
	}
	if s.Keeps() == Parked {
		l.blame("certfile", "use --worker-class concurrent with --keep-alive-mode pinned, or --keep-alive 0, or let a proxy in front do TLS",
			"the master cannot keep TLS connections, whose keys are in their worker (--keep-alive-mode parked)")
	}
}

// checkFront checks who may connect, and what is believed.
func (l *loader) checkFront() {
	s := l.settings
	if s.AuthTokenFile != "" {
		hashes, warnings, err := tokens.Read(s.AuthTokenFile)
		if err != nil {
			l.blame("auth-token-file", "want a file with a token in each line, which the server's user can read", "%v", err)
		}
		s.secrets.TokenHashes = hashes
		for _, w := range warnings {
			l.warn("auth-token-file", w)
		}
	}
	l.checkTLS()
	if s.AuthTokenFile == "" && s.Certfile == "" {
		for _, text := range s.Bind {
			if a, err := sock.Parse(text, l.dir); err == nil && a.Networked() {
				l.warn("bind", "everybody who can reach "+text+" can use the service, since there is neither TLS nor a token; set --auth-token-file and --certfile, or put a proxy or a firewall in front")
				break
			}
		}
	}
	for _, origin := range s.CORSOrigins {
		if err := peers.CheckOrigin(origin); err != nil {
			l.blame("cors-origin", "", "%v", err)
		}
	}
	if _, err := peers.Parse(s.ForwardedAllowIPs); err != nil {
		l.blame("forwarded-allow-ips", "", "%v", err)
	}
	if _, err := peers.Parse(s.ProxyAllowFrom); err != nil {
		l.blame("proxy-allow-from", "", "%v", err)
	}
	if s.ProxyProtocol != "off" && s.Keeps() == Parked {
		l.blame("proxy-protocol", "use --worker-class concurrent with --keep-alive-mode pinned, or --keep-alive 0",
			"a parked connection loses the client's address of its PROXY header")
	}
	if s.ProxyProtocol == "off" && l.differs("proxy-allow-from") {
		l.warn("proxy-allow-from", "ignored, since --proxy-protocol is off")
	}
}
