package static

import (
	"bytes"
	"compress/gzip"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestAFileOfThisBuildMayBeKeptForEver(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path, kind, keep string
		status           int
	}{
		{Base("") + "/css/app.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{Base("") + "/js/app.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{Base("") + "/icons/mark.svg", "image/svg+xml", "public, max-age=31536000, immutable", 200},
		{Base("") + "/icons/icon-192.png", "image/png", "public, max-age=31536000, immutable", 200},
		{"/static/older/js/app.js", "text/javascript; charset=utf-8", "no-cache", 200},
		{Base("") + "/js/none.js", "text/plain; charset=utf-8", "", 404},
		{Base("") + "/../static.go", "text/plain; charset=utf-8", "", 404},
		{"/static/", "text/plain; charset=utf-8", "", 404},
	} {
		r := get(t, tc.path)
		if r.StatusCode != tc.status || r.Header.Get("Content-Type") != tc.kind || r.Header.Get("Cache-Control") != tc.keep {
			t.Errorf("%s: got %d %q %q, want %d %q %q", tc.path, r.StatusCode, r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"), tc.status, tc.kind, tc.keep)
		}
	}
	if r := get(t, Base("")+"/js/app.js", "If-None-Match", `"`+Hash()+`"`); r.StatusCode != http.StatusNotModified {
		t.Errorf("what is known: got %d, want 304", r.StatusCode)
	}
}

func TestFilesArePackedForWhoCanUnpackThem(t *testing.T) {
	t.Parallel()
	plain, _ := Read("css/app.css")
	for accepts, packed := range map[string]bool{"gzip, br": true, "br;q=1.0, gzip;q=0.8": true, "gzip;q=0": false, "gzip;q=x": false, "identity": false, "": false} {
		r := get(t, Base("")+"/css/app.css", "Accept-Encoding", accepts)
		var body io.Reader = r.Body
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("%q: packed %v, want %v", accepts, got, packed)
			continue
		}
		if packed {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q: got %d bytes, %v, want %d", accepts, len(got), err, len(plain))
		}
	}
}

func TestStyleAndScriptsStaySmall(t *testing.T) {
	t.Parallel()
	const most = 1500 // lines
	const heavy = 40 << 10
	lines := map[string]int{}
	packed := map[string]int{}
	for name, a := range assets() {
		dir, _, _ := strings.Cut(name, "/")
		if name == "css/app.css" { // holds the others
			packed[dir] = len(a.packed)
			continue
		}
		lines[dir] += bytes.Count(a.body, []byte("\n"))
		if dir == "js" {
			packed[dir] += max(len(a.packed), min(len(a.body), 400))
		}
	}
	for _, dir := range []string{"css", "js"} {
		if lines[dir] == 0 || lines[dir] > most {
			t.Errorf("%s: got %d lines, want at most %d", dir, lines[dir], most)
		}
		if packed[dir] > heavy {
			t.Errorf("%s: got %d bytes packed, want at most %d", dir, packed[dir], heavy)
		}
	}
}

func TestNothingNamesAnotherHost(t *testing.T) {
	t.Parallel()
	elsewhere := regexp.MustCompile(`(?i)(?:https?:)?//[a-z0-9-]+\.[a-z]`)
	for name, a := range assets() {
		if strings.HasSuffix(name, ".png") {
			continue
		}
		body := bytes.ReplaceAll(a.body, []byte(`xmlns="http://www.w3.org/2000/svg"`), nil)
		if found := elsewhere.Find(body); found != nil {
			t.Errorf("%s names %s", name, found)
		}
		if strings.HasSuffix(name, ".css") && bytes.Contains(body, []byte("url(")) {
			t.Errorf("%s loads something by url()", name)
		}
	}
}

func TestEveryScriptThatIsImportedExists(t *testing.T) {
	t.Parallel()
	imports := regexp.MustCompile(`(?:from|import\() ?["']\./([a-z-]+\.js)["']`)
	for name, a := range assets() {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		for _, m := range imports.FindAllSubmatch(a.body, -1) {
			if _, ok := Read("js/" + string(m[1])); !ok {
				t.Errorf("%s imports %s, which is not there", name, m[1])
			}
		}
	}
}

func TestTheIconsOfAnInstalledPageHaveTheirSizes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"icons/icon-192.png": 192, "icons/icon-512.png": 512, "icons/badge-96.png": 96} {
		body, ok := Read(name)
		if !ok {
			t.Errorf("no %s", name)
			continue
		}
		config, err := png.DecodeConfig(bytes.NewReader(body))
		if err != nil || config.Width != want || config.Height != want {
			t.Errorf("%s: got %dx%d, %v, want %d", name, config.Width, config.Height, err, want)
		}
	}
}

func TestAStyleSheetThatIsImportedStandsInItsPlace(t *testing.T) {
	t.Parallel()
	whole, _ := Read("css/app.css")
	if bytes.Contains(whole, []byte("@import")) || !bytes.Contains(whole, []byte("--accent:")) || !bytes.HasPrefix(whole, []byte("@layer tokens, base, layout, components, pages;")) {
		t.Error("app.css is not whole, or its layers have no order")
	}
}
