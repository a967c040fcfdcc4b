// Package static is what browsers load beside the pages: style, scripts and
// signs, all of our own and all inside the program. Nothing in it names another
// host.
//
// Files are served below a directory that is named after their contents, so
// that a browser may keep them for ever and relative imports of scripts still
// find each other.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed css/*.css js/*.js icons/*
var files embed.FS

// asset is one file as it is sent.
type asset struct {
	kind   string // media type
	body   []byte
	packed []byte // gzip; nil where that would save nothing
}

// assets reads and packs the files once; they are part of the program, so that a
// broken one is a broken build, which the tests find.
var assets = sync.OnceValue(func() map[string]asset {
	all := map[string]asset{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "css/app.css" {
			if body, err = bundle(body); err != nil {
				return err
			}
		}
		a := asset{kind: kindOf(name), body: body}
		if packed, err := pack(body); err != nil {
			return err
		} else if len(packed) < len(body)*9/10 {
			a.packed = packed
		}
		all[name] = a
		return nil
	})
	if err != nil {
		panic(err)
	}
	return all
})

// Hash names the contents of all files together.
var Hash = sync.OnceValue(func() string {
	sum := sha256.New()
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, _ error) error { // in order
		if !entry.IsDir() {
			body, _ := files.ReadFile(name) // in memory
			fmt.Fprintf(sum, "%s\x00%d\x00", name, len(body))
			sum.Write(body)
		}
		return nil
	})
	const short = 12
	return hex.EncodeToString(sum.Sum(nil))[:short]
})

// Base is the address of the files below the prefix of a proxy, "" or "/x":
// what view.Shell.Static has to be.
func Base(prefix string) string { return prefix + "/static/" + Hash() }

// Read returns a file as it is sent, such as "css/app.css".
func Read(name string) ([]byte, bool) {
	a, ok := assets()[name]
	return a.body, ok
}

// Handler serves /static/<hash>/…, without the prefix of a proxy. A page that
// was drawn before an update asks below another hash: it is given the file of
// today, which is not kept.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		rest, _ := strings.CutPrefix(r.URL.Path, "/static/")
		hash, name, _ := strings.Cut(rest, "/")
		a, ok := assets()[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		keep := "no-cache"
		if hash == Hash() {
			keep = "public, max-age=31536000, immutable"
		}
		a.send(w, r, keep)
	})
}

// File serves one file at an address of its own, such as a service worker,
// which a browser asks for again each time.
func File(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets()[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		a.send(w, r, "no-cache")
	})
}

func (a asset) send(w http.ResponseWriter, r *http.Request, keep string) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", keep)
	h.Set("X-Content-Type-Options", "nosniff")
	etag := `"` + Hash() + `"`
	h.Set("ETag", etag)
	body := a.body
	if a.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = a.packed
		}
	}
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // whoever went away needs nothing
	}
}

// takesGzip reads Accept-Encoding: gzip is among it and not refused by q=0.
func takesGzip(accepts string) bool {
	for part := range strings.SplitSeq(accepts, ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		value, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		if !found {
			return true
		}
		q, err := strconv.ParseFloat(value, 64)
		return err == nil && q > 0
	}
	return false
}

// bundle puts the style sheets that app.css names in its place, so that a page
// waits for one file and not for a chain of them.
func bundle(app []byte) ([]byte, error) {
	var whole bytes.Buffer
	for line := range strings.Lines(string(app)) {
		name, found := strings.CutPrefix(strings.TrimSpace(line), `@import "`)
		if !found {
			whole.WriteString(line)
			continue
		}
		part, err := files.ReadFile("css/" + strings.TrimSuffix(name, `";`))
		if err != nil {
			return nil, fmt.Errorf("app.css: %w", err)
		}
		whole.Write(part)
	}
	return whole.Bytes(), nil
}

func pack(body []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil { // writes the end
		return nil, err
	}
	return b.Bytes(), nil
}

// kindOf is the media type of a name; a machine's own table may lack some.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	}
	return "application/octet-stream"
}
