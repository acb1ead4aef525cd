package main

import (
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	modelTag = "embed_model"
	modelZip = "internal/model/embedded/en_core_web_sm.zip" // relative to the source
)

// embedModel writes the model to the file that compile puts into the program. A release
// without the model is refused.
func embedModel(ctx context.Context, root string) error {
	cmd := exec.CommandContext(ctx, "go", "run", "./scripts/embedmodel")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("get the model: go run ./scripts/embedmodel: %w", err)
	}
	if strings.TrimSpace(string(out)) != modelTag {
		return errors.New("the model could not be fetched, and a release has it in its program: run make release where pip or github.com can be reached")
	}
	return nil
}

// goEnv returns the environment for commands of Go about the program for arch. No variable
// of the caller can change the program: neither flags nor experiments, nor another Go than
// that of go.mod.
func (r *release) goEnv(ctx context.Context, arch string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "edit", "-json")
	cmd.Dir = r.root
	out, err := output(cmd)
	if err != nil {
		return nil, err
	}
	var mod struct{ Toolchain string }
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, fmt.Errorf("go mod edit -json: %w", err)
	}
	if mod.Toolchain == "" {
		return nil, errors.New("go.mod has no line toolchain, which names the Go of a release")
	}
	return append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off", "GOTOOLCHAIN="+mod.Toolchain), nil
}

// compile writes the program for arch to the file to.
func (r *release) compile(ctx context.Context, arch, to, cache string) error {
	env, err := r.goEnv(ctx, arch)
	if err != nil {
		return err
	}
	if cache != "" {
		env = append(env, "GOCACHE="+cache)
	}
	// -s -w strip the program. -buildid= and -buildvcs=false leave out what depends on the
	// folder. commit says what -buildvcs would say.
	linker := fmt.Sprintf("-s -w -buildid= -X main.version=v%s", r.version)
	if r.commit != "" {
		linker += fmt.Sprintf(" -X 'main.commit=%s'", r.commit)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", modelTag, "-ldflags", linker, "-o", to, "./cmd/narwhal")
	cmd.Dir, cmd.Env = r.root, env
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile narwhal for %s: %w\n%s", arch, err, text)
	}
	return checkProgram(to)
}

// checkProgram returns an error unless the file is static and stripped.
func checkProgram(file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			return fmt.Errorf("%s is not static: it has a segment %v", file, p.Type)
		}
	}
	for _, s := range f.Sections {
		if s.Name == ".symtab" || strings.HasPrefix(s.Name, ".debug_") || strings.HasPrefix(s.Name, ".zdebug_") {
			return fmt.Errorf("%s is not stripped: it has a section %s", file, s.Name)
		}
	}
	return nil
}

// completions returns the completion script of each shell. The program that this machine
// can run prints them.
func completions(ctx context.Context, programs map[string]string) (map[string][]byte, error) {
	program, ok := programs[runtime.GOARCH]
	if !ok || runtime.GOOS != "linux" {
		return nil, fmt.Errorf("a release is built on linux with amd64 or arm64, because its program is run once; this is %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	scripts := map[string][]byte{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		cmd := exec.CommandContext(ctx, program, "completion", shell)
		cmd.Dir = filepath.Dir(program)
		out, err := output(cmd)
		if err != nil {
			return nil, err
		}
		scripts[shell] = out
	}
	return scripts, nil
}
