// Package page has the files for people with a browser: the page that shows the entities
// of a text, and the documentation of the API, which is Swagger UI.
//
// The files are in the program. They load nothing from other hosts, and their policies
// forbid that. Addresses in them are relative, so they also work behind a proxy that adds
// a prefix to the path.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"

	swagger "github.com/swaggo/files/v2"
)

// File is a file as a browser gets it.
type File struct {
	Body   []byte
	Type   string // for Content-Type
	ETag   string
	Policy string // for Content-Security-Policy
}

// Paths are the paths that Open knows.
var Paths = []string{
	"/page/app.js", "/page/code.js", "/page/data.js", "/page/render.js", "/page/style.css", "/page/icon.svg",
	"/docs", "/docs/docs.js", "/docs/docs.css", "/docs/licenses.txt", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css",
}

//go:embed files
var own embed.FS

// The documents may load only scripts and styles of the server itself, and may call only
// the server. Swagger UI has its pictures in its styles, as data: addresses.
const (
	nothing   = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	pages     = nothing + "; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
	swaggerUI = nothing + "; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
)

// Index returns the page itself, for a server with these models, the default one first,
// that takes request bodies of so many bytes. A person can choose one of several models.
func Index(models []string, limitBody int) *File {
	b, err := own.ReadFile("files/index.html")
	if err != nil {
		panic(err) // the file is in the program
	}
	filled := strings.NewReplacer("{{models}}", modelsHTML(models), "{{limit}}", strconv.Itoa(limitBody)).Replace(string(b))
	return file([]byte(filled), ".html", pages)
}

// modelsHTML returns the name of the one model, or a field to choose one of several.
func modelsHTML(models []string) string {
	if len(models) == 1 {
		return `named entities by <code id="model">` + html.EscapeString(models[0]) + `</code>`
	}
	var b strings.Builder
	b.WriteString(`<label for="model">named entities by</label> <select id="model" autocomplete="off">`)
	for _, m := range models {
		m = html.EscapeString(m)
		b.WriteString(`<option value="` + m + `">` + m + `</option>`)
	}
	b.WriteString(`</select>`)
	return b.String()
}

// files has what Open returns. It is made when a browser first asks, because most workers
// never see one, and the files of Swagger UI are large.
var files = sync.OnceValue(func() map[string]*File {
	all := map[string]*File{}
	for _, p := range Paths {
		from, name, policy := fs.FS(own), "files/"+path.Base(p), nothing
		switch {
		case p == "/docs":
			name, policy = "files/docs.html", swaggerUI
		case strings.HasPrefix(p, "/docs/swagger-ui"):
			from, name = swagger.FS, path.Base(p)
		}
		b, err := fs.ReadFile(from, name)
		if err != nil {
			panic(err) // the file is in the program
		}
		all[p] = file(b, path.Ext(name), policy)
	}
	return all
})

// Open returns the file of a path, nil if there is none.
func Open(path string) *File { return files()[path] }

var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

func file(body []byte, ext, policy string) *File {
	sum := sha256.Sum256(body)
	return &File{Body: body, Type: types[ext], ETag: `"` + hex.EncodeToString(sum[:8]) + `"`, Policy: policy}
}
