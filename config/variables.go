package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// environment has the environment's variables that are not empty. An empty variable
// counts as not set: compose files and CI systems pass on variables without a value.
type environment map[string]string

func newEnvironment(environ []string) environment {
	env := environment{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && value != "" {
			env[name] = value
		}
	}
	return env
}

// warnings returns a sentence about each variable that looks like a setting but is none.
// This is not an error: the variable may be meant for another version.
func (env environment) warnings(environ []string) []string {
	var warnings []string
	for _, entry := range environ { // rather than env, for a stable order
		name, _, _ := strings.Cut(entry, "=")
		value, set := env[name]
		if !set || !strings.HasPrefix(name, prefix) || isInternal(name) || isServiceLink(name, value) {
			continue
		}
		if s, ok := Lookup(name); ok && s.Variable() == name {
			continue
		}
		warning := name + " is not a setting and was ignored"
		flag := strings.ToLower(strings.ReplaceAll(name[len(prefix):], "_", "-"))
		if hint := suggest(flag, Setting.Variable); hint != "" {
			warning += ": " + hint
		}
		warnings = append(warnings, warning)
	}
	return warnings
}

// foreignWarnings returns a sentence about each variable that Gunicorn or Uvicorn reads
// and narwhal does not, if it asks for something that nobody has told narwhal. So PORT
// matters only while --bind is the default, and UVICORN_WORKERS only while nothing sets
// --workers. A variable about what narwhal does not have, such as UVICORN_LOOP, is ignored
// silently.
func (l *loader) foreignWarnings() []string {
	var warnings []string
	if flags := l.env["GUNICORN_CMD_ARGS"]; flags != "" {
		warnings = append(warnings, "GUNICORN_CMD_ARGS was ignored: give narwhal its flags on the command line, or in variables such as NARWHAL_WORKERS")
	}
	unset := func(s Setting) bool { return l.settings.Origin(s.Name) == Default }
	bind, _ := Lookup("bind")
	if port, err := strconv.ParseUint(l.env["PORT"], 10, 16); err == nil && port > 0 && unset(bind) {
		warnings = append(warnings, fmt.Sprintf("PORT=%d was ignored, and the address is %s: to listen on this port of all interfaces, set %s=:%[1]d, or give --bind :%[1]d",
			port, strings.Join(l.settings.Bind, ", "), bind.Variable()))
	}
	for _, entry := range l.settings.source.Environ {
		variable, _, _ := strings.Cut(entry, "=")
		name, isUvicorns := strings.CutPrefix(variable, "UVICORN_")
		if !isUvicorns || l.env[variable] == "" || isServiceLink(variable, l.env[variable]) {
			continue
		}
		name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		if s, ok := forUvicorns(name); ok && unset(s) {
			warnings = append(warnings, variable+" was ignored: "+suggest(name, Setting.Variable))
		}
	}
	return warnings
}

// isInternal reports whether a variable is one that narwhal's processes, kernels or
// tests use, or narwhal model pull.
func isInternal(name string) bool {
	for _, p := range []string{"NARWHAL_CTL", "NARWHAL_SIMD", "NARWHAL_TEST_", "NARWHAL_MODEL_MIRROR"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// serviceLink matches variables that Kubernetes, and Docker's links, set in every
// container beside a service called narwhal or narwhal-something:
// NARWHAL_SERVICE_HOST, NARWHAL_PORT=tcp://…, NARWHAL_PORT_80_TCP_ADDR.
var serviceLink = regexp.MustCompile(
	`^NARWHAL(_.+)?_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func isServiceLink(name, value string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}
