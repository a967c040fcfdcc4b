package slack

import (
	"embed"
	"net/http"
	"strings"
)

//go:embed static/*.css static/*.js
var static embed.FS

// routes is every address of the server.
func (s *Server) routes() {
	s.mux.HandleFunc("GET /api/{method}", s.api)
	s.mux.HandleFunc("POST /api/{method}", s.api)
	s.mux.HandleFunc("POST /sim/slack/actions/{team}/{secret}", s.respond)

	s.mux.HandleFunc("GET /sim/slack", func(w http.ResponseWriter, r *http.Request) {
		to := "slack/" // relative: the server may be mounted anywhere
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	s.mux.HandleFunc("GET /sim/slack/{$}", s.page)
	s.mux.HandleFunc("GET /sim/slack/live", s.live)
	s.mux.Handle("GET /sim/slack/static/", http.StripPrefix("/sim/slack/", staticFiles()))

	own := http.NewCrossOriginProtection() // another site's page presses nothing here
	post := func(pattern string, h http.HandlerFunc) { s.mux.Handle("POST /sim/slack/"+pattern, own.Handler(h)) }
	post("click", s.clickForm)
	post("post", s.postForm)

	s.mux.HandleFunc("GET /sim/slack/control/channels", s.channelsJSON)
	s.mux.HandleFunc("GET /sim/slack/control/channels/{channel}/messages", s.messagesJSON)
	s.mux.HandleFunc("GET /sim/slack/control/users", s.usersJSON)
	s.mux.HandleFunc("GET /sim/slack/control/groups", s.groupsJSON)
	s.mux.HandleFunc("GET /sim/slack/control/requests", s.requestsJSON)
	s.mux.HandleFunc("GET /sim/slack/control/callbacks", s.callbacksJSON)
	post("control/callbacks", s.setCallbacks)
	post("control/verify", s.verifyNow)
	post("control/faults", s.setFaults)
	post("control/callback-faults", s.setCallbackFaults)
	post("control/token/{state}", s.setToken)
	post("control/click", s.control(s.clickJSON))
	post("control/post", s.control(s.postJSON))
	post("control/react", s.control(s.reactJSON))
	post("control/channels/{channel}/{do}", s.control(s.channelJSON))
}

func staticFiles() http.Handler {
	files := http.FileServerFS(static)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // no listings
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		files.ServeHTTP(w, r)
	})
}
