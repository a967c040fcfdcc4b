package web

import (
	"net/http"

	"toban/web/static"
)

// assetRoutes are what browsers load by name.
func (a *Web) assetRoutes() []route {
	file := func(name string) handler {
		h := static.File(name)
		return func(w http.ResponseWriter, r *http.Request, _ *request) error {
			h.ServeHTTP(w, r)
			return nil
		}
	}
	return []route{
		{http.MethodGet, "/manifest.webmanifest", open, a.manifest},
		{http.MethodGet, "/sw.js", open, file("js/sw.js")},
		{http.MethodGet, "/offline", open, a.offline},
		{http.MethodGet, "/favicon.ico", open, file("icons/mark.svg")},
	}
}

func (a *Web) manifest(w http.ResponseWriter, r *http.Request, s *request) error {
	w.Header().Set("Content-Type", "application/manifest+json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Vary", "Cookie, Accept-Language, Accept-Encoding")
	return send(w, r, http.StatusOK, static.Manifest(s.base, s.lang))
}

// offline is the page that the service worker keeps.
func (a *Web) offline(w http.ResponseWriter, r *http.Request, s *request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	return send(w, r, http.StatusOK, static.Offline(s.base, first(known(r.URL.Query().Get("lang")), s.lang)))
}
