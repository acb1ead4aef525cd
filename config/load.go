package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Given has the values from the command line by the setting's name. The flags that
// Flags returns fill it.
type Given map[string][]string

// Source is where settings are read from.
type Source struct {
	Given   Given
	Environ []string // as os.Environ returns it
	Dir     string   // the folder in which the server was started, absolute

	// reread is the file that Reload reads again; "" for none. It must still exist. If
	// an editor has moved it for a moment, a HUP must not turn its settings into
	// defaults.
	reread string
}

// Origin says where a value came from: "--workers", "NARWHAL_WORKERS",
// "narwhal.toml:3" or "default".
type Origin string

// Default is the origin of a value that nobody has set.
const Default Origin = "default"

// Load reads all sources and returns the settings in force. Its error joins a [Problem]
// for each thing that is wrong. A bad line of the file is reported even if a flag
// overrides it.
func Load(src Source) (*Settings, error) {
	l := newLoader(src)
	l.file = l.openFile()
	return l.load()
}

// Reload reads the same sources again, with the file as it is now. It fails as Load
// does, and if a file that was read before is missing.
func (s *Settings) Reload() (*Settings, error) {
	src := s.source
	src.reread = s.ConfigFile
	return Load(src)
}

// Origin returns where the value of a setting came from, by the setting's name.
func (s *Settings) Origin(name string) Origin {
	if o, ok := s.origins[name]; ok {
		return o
	}
	return Default
}

// Warnings returns sentences about settings that were accepted or ignored, but may be
// a mistake.
func (s *Settings) Warnings() []string { return s.warnings }

// Notes returns sentences about values that Load has translated, such as gthread to
// concurrent.
func (s *Settings) Notes() []string { return s.notes }

// loader is the state of one Load.
type loader struct {
	settings *Settings
	where    map[string]string // by setting: where its value is from, as a Problem names it
	notes    map[string]string // by setting
	given    Given
	env      environment
	file     *file
	dir      string
	problems []error

	controlSocket string // the setting as it was given, before it became absolute
}

func newLoader(src Source) *loader {
	return &loader{
		settings: &Settings{source: src, origins: map[string]Origin{}},
		where:    map[string]string{},
		notes:    map[string]string{},
		given:    src.Given,
		env:      newEnvironment(src.Environ),
		dir:      src.Dir,
	}
}

// load takes every setting from its sources. If none is wrong by itself, it checks them
// together.
func (l *loader) load() (*Settings, error) {
	for _, s := range Table() {
		if !s.Switch {
			l.resolve(s)
		}
	}
	if len(l.problems) == 0 {
		l.placePaths()
		l.validate()
	}
	if len(l.problems) > 0 {
		return nil, errors.Join(l.problems...)
	}
	for _, s := range Table() {
		if note, ok := l.notes[s.Name]; ok {
			l.settings.notes = append(l.settings.notes, note)
		}
	}
	l.settings.warnings = append(l.settings.warnings, l.env.warnings(l.settings.source.Environ)...)
	l.settings.warnings = append(l.settings.warnings, l.foreignWarnings()...)
	return l.settings, nil
}

// openFile finds the configuration file and reads it. It returns nil if there is none.
func (l *loader) openFile() *file {
	name, asked, origin := DefaultFile, false, Default
	if v, ok := l.env["NARWHAL_CONFIG"]; ok {
		name, asked, origin = v, true, "NARWHAL_CONFIG"
	}
	if v := l.given["config"]; len(v) > 0 {
		name, asked, origin = v[len(v)-1], true, "--config"
	}
	if name == "" { // --config "" means no file
		return nil
	}
	path := absolute(name, l.dir)
	if l.settings.source.reread == path {
		asked = true
	}
	f, problems := readFile(name, path, asked)
	l.problems = append(l.problems, problems...)
	if f == nil && !asked && exists(filepath.Join(l.dir, gunicornFile)) {
		l.settings.warnings = append(l.settings.warnings,
			gunicornFile+" was not read: the settings belong into "+DefaultFile+", and narwhal -c "+gunicornFile+" says how to write them there; --config \"\" ends this warning")
	}
	if f != nil {
		l.settings.ConfigFile = path
		l.settings.origins["config"] = origin
	}
	return f
}

// resolve takes a setting from each source in turn. A later source beats the ones
// before it.
func (l *loader) resolve(s Setting) {
	if s.Name == "config" {
		return
	}
	l.take(s, l.defaults(s), Default, "default of "+s.Flag())
	if name := othersVariable[s.Name]; name != "" {
		if v, ok := l.env[name]; ok {
			texts := []string{v}
			if s.isList() {
				texts = splitList(v)
			}
			l.take(s, texts, Origin(name), name)
		}
	}
	if l.file != nil {
		if v, ok := l.file.values[s.Name]; ok {
			line := fmt.Sprintf("%s:%d", l.file.name, v.line)
			l.take(s, v.texts, Origin(line), line+": "+s.Key())
		}
	}
	if v, ok := l.env[s.Variable()]; ok {
		texts := []string{v}
		if s.isList() {
			texts = splitList(v)
		}
		l.take(s, texts, Origin(s.Variable()), s.Variable())
	}
	if v := l.given[s.Name]; len(v) > 0 {
		if s.isList() {
			v = splitList(strings.Join(v, ","))
		}
		l.take(s, v, Origin(s.Flag()), s.Flag())
	}
}

// othersVariable has variables that other servers read, too. As with them, such a variable
// replaces the default of the setting. Heroku and similar platforms set WEB_CONCURRENCY for
// Gunicorn, Uvicorn and Puma. Gunicorn and Uvicorn read FORWARDED_ALLOW_IPS.
var othersVariable = map[string]string{"workers": "WEB_CONCURRENCY", "forwarded-allow-ips": "FORWARDED_ALLOW_IPS"}

func (l *loader) defaults(s Setting) []string {
	if s.isList() {
		return splitList(s.Default)
	}
	return []string{s.Default}
}

// take makes texts the value of the setting. If they are wrong, it adds a problem.
func (l *loader) take(s Setting, texts []string, origin Origin, where string) {
	if err := s.assign(l.settings, texts); err != nil {
		l.problems = append(l.problems, &Problem{
			Where: where,
			Why:   err.Error(),
			Hint:  s.hint,
			Usage: strings.HasPrefix(where, "--"),
		})
		return
	}
	l.where[s.Name] = where
	delete(l.notes, s.Name)
	if s.means != nil {
		given, ours := texts[len(texts)-1], *s.field(l.settings).(*string)
		if given != ours {
			l.notes[s.Name] = fmt.Sprintf("%s: %s means %s here", where, given, ours)
		}
	}
	if origin != Default {
		l.settings.origins[s.Name] = origin
	}
}

// placePaths makes the paths of files absolute. A path is relative to --chdir, or without
// --chdir to the folder in which the server was started. Only --config is always relative
// to that folder: openFile has read it already.
func (l *loader) placePaths() {
	s := l.settings
	dir := l.dir
	if s.Chdir != "" {
		dir = absolute(s.Chdir, dir)
		s.Chdir = dir
	}
	for _, path := range []*string{&s.Pid, &s.ErrorLogfile, &s.AccessLogfile, &s.AuthTokenFile, &s.Certfile, &s.Keyfile, &s.CACerts} {
		if *path != "" && *path != "-" {
			*path = absolute(*path, dir)
		}
	}
	l.controlSocket = s.ControlSocket
	if c := s.ControlSocket; c != "" && c != "auto" && c != "off" {
		s.ControlSocket = absolute(c, dir)
	}
	for i, model := range s.Model {
		if isPath(model) {
			s.Model[i] = absolute(model, dir)
		}
	}
	l.dir = dir
}

// isPath reports whether a model is named by a path. Package model decides the same way.
func isPath(model string) bool {
	return strings.ContainsRune(model, filepath.Separator) || strings.HasSuffix(model, ".whl") ||
		model == "." || model == ".."
}
