package config

import (
	"slices"
	"strings"
)

// Other is a setting of Gunicorn or Uvicorn that has another name here, or no
// counterpart. Settings with the same name are in [Table].
type Other struct {
	Gunicorn []string // its flags without dashes, and the keys of its file
	Uvicorn  []string
	Ours     string // our setting's name, "" if there is none
	Instead  string // what to do instead, or what differs
}

// elsewhere returns what to do in place of a setting of Gunicorn or Uvicorn, or "" if
// neither has a setting of that name.
func elsewhere(name string) string {
	for _, o := range Others() {
		g, u := slices.Contains(o.Gunicorn, name), slices.Contains(o.Uvicorn, name)
		if !g && !u {
			continue
		}
		whose := "Gunicorn"
		switch {
		case !g:
			whose = "Uvicorn"
		case u:
			whose = "Gunicorn and Uvicorn"
		}
		switch {
		case o.Ours == "":
			return "narwhal does not have this setting of " + whose + ": " + o.Instead
		case o.Instead == "":
			return "this setting of " + whose + " is called " + o.Ours + " here"
		}
		return "this setting of " + whose + " is called " + o.Ours + " here: " + o.Instead
	}
	return ""
}

func names(list string) []string { return strings.Fields(list) }

// Others returns every Other in the order of docs/migrating.md: first settings that only
// have another name here, then settings that are missing or differ more.
func Others() []Other {
	return []Other{
		{nil, names("host port"), "bind", "--bind HOST:PORT"},
		{nil, names("uds"), "bind", "--bind unix:PATH"},
		{nil, names("fd"), "bind", "--bind fd://N"},
		{nil, names("timeout-keep-alive"), "keep-alive", ""},
		{nil, names("timeout-graceful-shutdown"), "graceful-timeout", ""},
		{nil, names("limit-max-requests"), "max-requests", ""},
		{nil, names("limit-max-requests-jitter"), "max-requests-jitter", ""},
		{nil, names("timeout-worker-healthcheck"), "timeout", "a worker that shows no sign of life is replaced, too"},
		{names("keepalive"), nil, "keep-alive", ""},
		{names("pidfile"), nil, "pid", ""},
		{names("loglevel"), nil, "log-level", ""},
		{names("errorlog"), nil, "error-logfile", ""},
		{names("accesslog"), nil, "access-logfile", ""},
		{nil, names("access-log no-access-log"), "access-logfile", "--access-logfile - for stdout. Without it there is no access log"},

		{names("preload preload-app"), nil, "",
			"leave it out; each worker loads the model itself, and the workers share the memory of a model that is built in"},
		{names("reload reload-engine reload-extra-file"), names("reload reload-dir"), "",
			"leave it out; HUP starts new workers with the present configuration and model"},
		{names("daemon D"), nil, "", "narwhal stays in the foreground; let systemd or a container runtime start it"},
		{names("user u group g initgroups"), nil, "",
			"start narwhal as that user (User= in a systemd unit, USER in a Dockerfile)"},
		{names("umask m"), nil, "socket-mode", "a mode instead of a mask: 0660 for 0117. It applies to unix sockets; for other files set the umask before starting narwhal (UMask= in a systemd unit)"},
		{names("env e"), names("env-file"), "", "set the variables before starting narwhal"},
		{names("name n proc-name"), nil, "", "leave it out"},
		{names("reuse-port"), nil, "",
			"leave it out; all workers accept from one socket, so no request waits for a busy worker while another is idle"},
		{nil, names("ssl-certfile"), "certfile", ""},
		{nil, names("ssl-keyfile"), "keyfile", ""},
		{nil, names("ssl-ca-certs"), "ca-certs", ""},
		{names("cert-reqs"), names("ssl-cert-reqs"), "ca-certs", "with it every client needs a certificate"},
		{nil, names("ssl-keyfile-password"), "keyfile", "the key must not be encrypted: openssl pkey -in OLD -out NEW"},
		{names("ciphers ssl-version do-handshake-on-connect suppress-ragged-eofs"), names("ssl-version ssl-ciphers"), "",
			"leave it out; TLS 1.2 and 1.3 are spoken, with the ciphers that Go takes for safe"},
		{nil, names("proxy-headers"), "forwarded-allow-ips", "leave it out; the fields of trusted proxies are always read"},
		{nil, names("no-proxy-headers"), "forwarded-allow-ips", "--forwarded-allow-ips \"\" for nobody"},
		{nil, names("root-path"), "", "leave it out; no answer has an address of this service, so let the proxy remove the prefix"},
		{nil, names("h11-max-incomplete-event-size"), "",
			"--limit-request-line, --limit-request-fields and --limit-request-field-size limit the head of a request"},
		{names("worker-tmp-dir"), nil, "", "leave it out; heartbeats need no file"},
		{names("no-control-socket control-socket-mode"), nil, "", "--control-socket off means none; the socket's mode is always 0600"},
		{names("dogstatsd-tags enable-backlog-metric"), nil, "", "leave it out; put what tells services apart into --statsd-prefix, and read the queue's length from /metrics: see --admin-bind"},
		{names("log-config log-config-json logconfig logger-class capture-output"), names("log-config use-colors no-use-colors"), "",
			"use --log-level, --log-format, --error-logfile and --access-logfile"},
		{names("log-syslog log-syslog-to log-syslog-prefix log-syslog-facility R"), nil, "",
			"leave the log on stderr, where journald and container runtimes read it"},
		{names("pythonpath paste wsgi-app"), names("app-dir factory interface loop http ws lifespan"), "",
			"leave it out; narwhal serves its own application and runs no Python"},
	}
}
