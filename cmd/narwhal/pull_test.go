package main

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/install"
	"github.com/narwhal-server/narwhal/internal/model"
)

// Without pip, model pull fetches a wheel over TLS. Then auto answers as spaCy does.
func TestPullWithoutPip(t *testing.T) {
	sm, err := model.Places{}.Find("../../models/en_core_web_sm")
	if err != nil {
		t.Fatal(err)
	}
	var wheel bytes.Buffer
	if err := model.WriteArchive(&wheel, sm); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/m/en_core_web_sm-3.8.0/en_core_web_sm-3.8.0-py3-none-any.whl" {
			http.NotFound(w, r)
			return
		}
		w.Write(wheel.Bytes())
	}))
	defer s.Close()
	trusted := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}

	home := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := narwhalCommand(home, args...)
		cmd.Env = []string{"HOME=" + home, "PATH=", "SSL_CERT_FILE=" + trusted, install.MirrorVariable + "=" + s.URL + "/m"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	said := run("model", "pull")
	for _, want := range []string{
		"fetching en_core_web_sm 3.8.0 by Explosion (MIT licence), 13 MB: " + s.URL + "/m/en_core_web_sm-3.8.0/",
		"checked: the 18 files that narwhal reads have the SHA-256 that it knows\n",
		"en_core_web_sm: " + home + "/.local/share/narwhal/models/en_core_web_sm\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("model pull said %q, want %q in it", said, want)
		}
	}
	if said := run("ner", "Apple is looking at buying a startup for $1 billion."); !strings.Contains(said, `"label":"MONEY"`) || strings.Contains(said, "warning") {
		t.Errorf("then narwhal ner said %q, want spaCy's answer", said)
	}
}
