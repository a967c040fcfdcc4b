package api

import (
	"bytes"
	"compress/gzip"
	"embed"
	"html"
	"io"
	"net/http"
	"strings"

	"github.com/swaggest/swgui/v5/static"

	"toban/docs"
)

//go:embed page
var pageFiles embed.FS

// The pages load from here alone. That of the API draws icons that stand in its
// own style sheet as data.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// pages serves what is written about toban: /docs/api draws the OpenAPI document,
// /docs/errors says what to do about each error, and the rest are pages of docs/.
func (a *API) pages() {
	a.written("errors", docs.Errors(), errorAnchor)
	var list strings.Builder
	for _, name := range docs.Pages() {
		text, _ := docs.Page(name)
		title := a.written(name, text, anchor)
		list.WriteString(`<li><a href="` + name + `">` + html.EscapeString(title) + "</a></li>\n")
	}
	index := docsPage("Documentation", "<h1>Documentation</h1>\n<ul>\n"+list.String()+`<li><a href="api">API</a></li>`+"\n"+`<li><a href="errors">Errors</a></li>`+"\n</ul>\n")
	a.document("/docs/{$}", "text/html; charset=utf-8", func() []byte { return index })
	for path, file := range map[string]string{"/docs/api": "api.html", "/docs/api.js": "api.js", "/docs/docs.css": "docs.css"} {
		body, err := pageFiles.ReadFile("page/" + file)
		if err != nil { // it is in the program
			panic(err)
		}
		kind := map[string]string{"html": "text/html", "js": "text/javascript", "css": "text/css"}[file[strings.LastIndexByte(file, '.')+1:]]
		a.document(path, kind+"; charset=utf-8", func() []byte { return body })
	}
	a.mux.HandleFunc("GET /docs/api/{asset}", a.drawing)
}

// written serves a page of docs/ and returns its title.
func (a *API) written(name, text string, id func(heading string) string) (title string) {
	title, body, err := drawMarkdown(text, id)
	if err != nil { // it is in the program
		panic(err)
	}
	page := docsPage(title, body)
	a.document("/docs/"+name, "text/html; charset=utf-8", func() []byte { return page })
	return title
}

// docsPage is a page of the documentation.
func docsPage(title, body string) []byte {
	return []byte(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>toban · ` + html.EscapeString(title) + `</title><link rel="stylesheet" href="docs.css"></head><body>
<p class="way"><a href="../">toban</a> · <a href="./">Documentation</a> · <a href="api">API</a></p>
` + body + "</body></html>\n")
}

// drawing serves what draws the document; it is packed in the program.
func (a *API) drawing(w http.ResponseWriter, r *http.Request) {
	kinds := map[string]string{"swagger-ui.css": "text/css; charset=utf-8", "swagger-ui-bundle.js": "text/javascript; charset=utf-8", "favicon-32x32.png": "image/png"}
	name := r.PathValue("asset")
	kind, known := kinds[name]
	packed, err := static.FS.ReadFile(name + ".gz")
	body := packed
	if err != nil {
		body, err = static.FS.ReadFile(name)
	}
	if !known || err != nil {
		a.refuse(w, r, errNoPage)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", docsPolicy)
	h.Set("Cache-Control", "max-age=86400")
	h.Set("Vary", "Accept-Encoding")
	switch {
	case packed == nil:
	case strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
		h.Set("Content-Encoding", "gzip")
	default:
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil { // it is in the program
			panic(err)
		}
		_, _ = io.Copy(w, z) // who has gone needs no answer
		return
	}
	_, _ = w.Write(body) // who has gone needs no answer
}

func (a *API) document(path, contentType string, body func() []byte) {
	a.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Security-Policy", docsPolicy)
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write(body()) // who has gone needs no answer
	})
}
