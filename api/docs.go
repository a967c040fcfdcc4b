package api

import (
	"bytes"
	"compress/gzip"
	"embed"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/swaggest/swgui/v5/static"

	"toban/docs"
)

//go:embed page
var pageFiles embed.FS

// The pages load from here alone. That of the API draws icons that stand in its
// own style sheet as data.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// pages serves what is written about the API: /docs/api draws the OpenAPI
// document, /docs/errors says what to do about each error.
func (a *API) pages() {
	errorPage := errorsPage(docs.Errors())
	a.document("/docs/errors", "text/html; charset=utf-8", func() []byte { return errorPage })
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

var (
	codeSpan  = regexp.MustCompile("`([^`]+)`")
	boldSpan  = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	errorHead = regexp.MustCompile("^### `?([a-z0-9_.]+)`?$")
)

// errorsPage draws docs/errors.md, which has headings, paragraphs, code and bold
// words, and nothing else. A heading's id is the code that links name.
func errorsPage(text string) []byte {
	var out strings.Builder
	out.WriteString(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>toban · Errors</title><link rel="stylesheet" href="docs.css"></head><body>
<p class="way"><a href="../">toban</a> · <a href="api">API</a></p>
`)
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		block = strings.TrimSpace(block)
		if m := errorHead.FindStringSubmatch(block); m != nil {
			code := html.EscapeString(m[1])
			out.WriteString(`<h3 id="` + code + `"><a href="#` + code + `"><code>` + code + "</code></a></h3>\n")
			continue
		}
		tag := "p"
		for _, head := range []struct{ mark, tag string }{{"## ", "h2"}, {"# ", "h1"}} {
			if rest, ok := strings.CutPrefix(block, head.mark); ok {
				block, tag = rest, head.tag
				break
			}
		}
		words := html.EscapeString(block)
		words = codeSpan.ReplaceAllString(words, "<code>$1</code>")
		words = boldSpan.ReplaceAllString(words, "<strong>$1</strong>")
		if words != "" {
			out.WriteString("<" + tag + ">" + words + "</" + tag + ">\n")
		}
	}
	out.WriteString("</body></html>\n")
	return []byte(out.String())
}
