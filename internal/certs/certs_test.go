package certs

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/certs/certstest"
)

// pair returns a new certificate and its key in PEM.
func pair(t *testing.T, from, to time.Time) (certificate, key string) {
	t.Helper()
	c, k := certstest.Pair(t, x509.Certificate{NotBefore: from, NotAfter: to})
	return string(c), string(k)
}

func TestRead(t *testing.T) {
	now := time.Now()
	cert, key := pair(t, now.Add(-time.Hour), now.Add(time.Hour))
	other, otherKey := pair(t, now.Add(-time.Hour), now.Add(time.Hour))
	old, oldKey := pair(t, now.Add(-2*time.Hour), now.Add(-time.Hour))
	young, youngKey := pair(t, now.Add(time.Hour), now.Add(2*time.Hour))
	dir := t.TempDir()
	for name, content := range map[string]string{
		"cert": cert, "key": key, "both": key + cert, "chain": cert + other, "otherkey": otherKey, "old": old + oldKey, "young": young + youngKey,
		"ca": other, "text": "hello", "large": strings.Repeat("x", mostBytes+1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "openkey"), []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "openkey"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ cert, key, ca, warning, err string }{
		{"cert", "key", "", "", ""},
		{"chain", "key", "ca", "", ""},
		{"both", "", "", "", ""},
		{"cert", "openkey", "", "can read the key", ""},
		{"old", "", "", "has expired on", ""},
		{"young", "", "", "valid only from", ""},
		{"cert", "otherkey", "", "", "private key does not match"},
		{"cert", "", "", "", "rather than a key"},
		{"none", "key", "", "", "certificate: open"},
		{"cert", "none", "", "", "key: open"},
		{"cert", "key", "none", "", "authorities: open"},
		{"cert", "key", "text", "", "no certificate in the file of authorities"},
		{"text", "key", "", "", "failed to find"},
		{"large", "key", "", "", "more than 24576 bytes"},
	} {
		path := func(name string) string {
			if name == "" {
				return ""
			}
			return filepath.Join(dir, name)
		}
		f, warnings, err := Read(path(c.cert), path(c.key), path(c.ca))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil || !strings.Contains(strings.Join(warnings, "\n"), c.warning) || len(warnings) > 1 || c.warning == "" && len(warnings) > 0 {
			t.Errorf("%+v: %v, warnings %q", c, err, warnings)
			continue
		}
		config, err := f.Config()
		if err != nil || config.MinVersion != tls.VersionTLS12 || (config.ClientAuth == tls.RequireAndVerifyClientCert) != (c.ca != "") {
			t.Errorf("%+v: %v, %+v", c, err, config)
		}
	}
	if config, err := (Files{}).Config(); config != nil || err != nil {
		t.Error(config, err)
	}
}
