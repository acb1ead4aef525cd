package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// Every entry of the table is complete, and no two entries have the same name or field.
func TestTable(t *testing.T) {
	seen := map[string]string{}
	fields := map[any]string{}
	var s Settings
	for _, setting := range Table() {
		if setting.Usage == "" || setting.Help == "" || !slices.Contains(Groups(), setting.Group) {
			t.Errorf("%s: usage, help or group is missing", setting.Name)
		}
		for _, name := range setting.names() {
			if other, taken := seen[name]; taken {
				t.Errorf("%s and %s are both called %s", other, setting.Name, name)
			}
			seen[name] = setting.Name
		}
		if setting.Switch {
			continue
		}
		if setting.Placeholder == "" || setting.Initial() == "" {
			t.Errorf("%s: placeholder, or what holds by default, is missing", setting.Name)
		}
		field := setting.field(&s)
		if other, taken := fields[field]; taken {
			t.Errorf("%s and %s have the same field", other, setting.Name)
		}
		fields[field] = setting.Name
	}
	// Every field of Settings has a setting.
	v := reflect.ValueOf(&s).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.IsExported() && !f.Anonymous && fields[v.FieldByIndex(f.Index).Addr().Interface()] == "" {
			t.Errorf("no setting fills Settings.%s", f.Name)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, spelling := range []string{
		"worker-connections", "--worker-connections", "worker_connections", "NARWHAL_WORKER_CONNECTIONS", "WORKER_CONNECTIONS",
	} {
		if s, ok := Lookup(spelling); !ok || s.Name != "worker-connections" {
			t.Errorf("Lookup(%q) = %q, %v", spelling, s.Name, ok)
		}
	}
	for spelling, want := range map[string]string{"-w": "workers", "w": "workers", "--log-file": "error-logfile", "--limit-request-field_size": "limit-request-field-size", "W": "", "": "", "-": "", "worker": ""} {
		if s, ok := Lookup(spelling); s.Name != want || ok != (want != "") {
			t.Errorf("Lookup(%q) = %q, %v; want %q", spelling, s.Name, ok, want)
		}
	}
}

// A setting of another server that has another name here, or no counterpart, must not
// have the name of one of our settings.
func TestOthers(t *testing.T) {
	for _, o := range Others() {
		for _, name := range slices.Concat(o.Gunicorn, o.Keys, o.Uvicorn) {
			if s, ok := Lookup(name); ok {
				t.Errorf("%s is said to be missing or renamed, and is %s", name, s.Flag())
			}
			if elsewhere(name, Setting.Flag) == "" {
				t.Errorf("elsewhere(%q) says nothing", name)
			}
		}
		if o.Ours == "" && (o.Instead == "" || o.Does == "") {
			t.Errorf("%v: nothing says what it does there, or what to do instead", o)
		}
		if _, ok := Lookup(o.Ours); o.Ours != "" && !ok {
			t.Errorf("%v: there is no setting %s", o, o.Ours)
		}
	}
}

// Every flag and key of Gunicorn 27.0.1 and every flag of Uvicorn 0.54.0 is a setting of
// narwhal, or has a hint. The files have their names.
func TestOthersComplete(t *testing.T) {
	for _, c := range []struct {
		file     string
		ofServer func(Other) []string
	}{
		{"gunicorn.txt", func(o Other) []string { return append(dashed(o.Gunicorn), o.Keys...) }},
		{"uvicorn.txt", func(o Other) []string { return dashed(o.Uvicorn) }},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", c.file))
		if err != nil {
			t.Fatal(err)
		}
		theirs := strings.Fields(string(text))
		for _, spelling := range theirs {
			name := strings.ReplaceAll(strings.TrimLeft(spelling, "-"), "_", "-")
			if name == "version" {
				continue // a flag that is no setting
			}
			_, same := Lookup(name)
			o, _ := findOther(name)
			known := c.ofServer(o)
			if !same && !slices.Contains(known, spelling) && !slices.Contains(known, "--"+name) {
				t.Errorf("%s: %s is no setting here, and has no hint", c.file, spelling)
			}
			if hint := FlagHint(name); !same && strings.HasPrefix(hint, "did you mean") {
				t.Errorf("%s: the hint for %s is a guess: %s", c.file, spelling, hint)
			}
		}
		for _, o := range Others() {
			for _, spelling := range c.ofServer(o) {
				if !slices.Contains(theirs, spelling) {
					t.Errorf("%s does not have %s", c.file, spelling)
				}
			}
		}
	}
}

// Help fits into the 79 columns of a terminal.
func TestTextFits(t *testing.T) {
	for _, s := range Table() {
		for _, line := range strings.Split(s.Text(), "\n") {
			if utf8.RuneCountInString(line) > 79 {
				t.Errorf("help %s: more than 79 columns: %s", s.Name, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("help %s: blanks at the end of %q", s.Name, line)
			}
		}
	}
}

func TestFlagHint(t *testing.T) {
	for flag, want := range map[string]string{
		"worker":             "did you mean --workers?",
		"wokrers":            "did you mean --workers?",
		"worker_connections": "did you mean --worker-connections?",
		"max-request":        "did you mean --max-requests?",
		"admin":              "did you mean --admin-bind?",
		"gracefultimeout":    "did you mean --graceful-timeout?",
		"w4":                 "write -w 4",
		"b:5000":             "write -b :5000",
		"t0.5":               "write -t 0.5",
		"preload":            "narwhal does not have this setting of Gunicorn, which loads the application before the workers start: leave it out; each worker loads the model itself, and the workers share the memory of a model that is built in",
		"port":               "this setting of Uvicorn is called --bind here: HOST:PORT, one value for both",
		"limit-max-requests": "this setting of Uvicorn is called --max-requests here",
		"root-path":          "narwhal does not have this setting of Gunicorn and Uvicorn, which tells the application below which path it is served: leave it out; no answer has an address of this service, so let the proxy remove the prefix",
		"R":                  "narwhal does not have this setting of Gunicorn, which keeps stdout and stderr of a server in the background: leave it out; narwhal stays in the foreground and keeps both",
		"worker_tmp_dir":     "narwhal does not have this setting of Gunicorn, which is the folder of the heartbeat files: leave it out; heartbeats need no file",
		"accesslog":          "this setting of Gunicorn is called --access-logfile here",
		"access-log":         "this setting of Uvicorn is called --access-logfile here: - for stdout. Without it there is no access log",
		"no-proxy-headers":   "this setting of Uvicorn is called --forwarded-allow-ips here: \"\" for nobody",
		"zebra":              "",
		"lo":                 "",
		"x":                  "",
		"":                   "",
	} {
		if got := FlagHint(flag); got != want {
			t.Errorf("FlagHint(%q) = %q, want %q", flag, got, want)
		}
	}
}

// Different spellings may be mixed, values are collected in order, and switches take no
// value.
func TestFlags(t *testing.T) {
	given := Given{}
	var printing bool
	app := &cli.App{Flags: Flags(given), Action: func(c *cli.Context) error {
		printing = c.Bool("print-config")
		return nil
	}}
	err := app.Run([]string{"x", "-b", ":1", "--bind", ":2", "-w=2", "--workers", "3", "--log-file=", "--print-config", "-b", ":3"})
	want := Given{"bind": {":1", ":2", ":3"}, "workers": {"2", "3"}, "error-logfile": {""}}
	if err != nil || !reflect.DeepEqual(given, want) || !printing {
		t.Errorf("given %v, --print-config %v, error %v; want %v", given, printing, err, want)
	}
}
