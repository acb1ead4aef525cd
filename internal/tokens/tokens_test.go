package tokens

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	s, warnings, err := Read(write(t, "\ufeff# of the gateway\n0123456789abcdef\n\n  Zm9vYmFyZm9vYmFyZm9v==\t\r\n", 0o600))
	if err != nil || len(warnings) > 0 || len(s) != 2 {
		t.Fatal(s, warnings, err)
	}
	for token, want := range map[string]bool{
		"0123456789abcdef": true, "Zm9vYmFyZm9vYmFyZm9v==": true,
		"0123456789abcde": false, "0123456789abcdef ": false, "": false, "# of the gateway": false,
	} {
		if s.Has(token) != want {
			t.Errorf("Has(%q) = %v", token, !want)
		}
	}
	if (Set)(nil).Has("") {
		t.Error("the empty set has a token")
	}
}

func TestWarnings(t *testing.T) {
	_, warnings, err := Read(write(t, "0123456789abcdef\n", 0o644))
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "can read the tokens") {
		t.Error(warnings, err)
	}
	_, warnings, err = Read(write(t, "secret\n", 0o640))
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "can be guessed") || strings.Contains(warnings[0], "secret") {
		t.Error(warnings, err)
	}
}

func TestWrongFiles(t *testing.T) {
	for content, want := range map[string]string{
		"":                              "has no token",
		"# none\n\n":                    "has no token",
		"0123456789abcdef\nse cret\n":   ":2: this is no token",
		"sécret\n":                      ":1: this is no token",
		"==\n":                          ":1: this is no token",
		"a=b\n":                         ":1: this is no token",
		strings.Repeat("x\n", 501):      "more than 500 tokens",
		strings.Repeat("x", 1<<20) + "": "is no",
	} {
		_, _, err := Read(write(t, content, 0o600))
		if want == "is no" { // one long token is allowed
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "cret") {
			t.Errorf("%.20q: %v, want %s", content, err, want)
		}
	}
	if _, _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Error(err)
	}
	if _, _, err := Read("/none"); err == nil {
		t.Error("a missing file is read")
	}
}

func TestBearer(t *testing.T) {
	for field, want := range map[string]string{"Bearer abc": "abc", "bearer  abc ": "abc", "Basic abc": "", "Bearer": "", "": "", "Bearerabc": ""} {
		if got, ok := Bearer(field); got != want || ok != (want != "") {
			t.Errorf("Bearer(%q) = %q, %v", field, got, ok)
		}
	}
}
