// Package livepage has the files of the page on the admin address. The page shows a person
// with a browser what the service does. It asks for "status", and shows what it gets.
//
// The files are in the program. They load nothing from other hosts, and their policy
// forbids that. Addresses in them are relative, so the page also works behind a proxy that
// adds a prefix to the path.
package livepage

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"time"
)

// Paths are the paths of the files.
var Paths = []string{"/", "/live.js", "/live.css", "/icon.svg"}

//go:embed files
var files embed.FS

// policy is the Content-Security-Policy. The page may load scripts, styles and pictures of
// the server itself, and may call only the server. It makes no markup of strings.
const policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"

var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Handler answers with the file of a path, which must be one of Paths.
func Handler(of string) http.HandlerFunc {
	name := path.Base(of)
	if of == "/" {
		name = "index.html"
	}
	body, err := files.ReadFile("files/" + name)
	if err != nil {
		panic(err) // the file is in the program
	}
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", types[path.Ext(name)])
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}
