package twilio

import (
	"embed"
	"net/http"
	"strings"
)

//go:embed static/*.css static/*.js
var static embed.FS

// routes is every address of the server.
func (s *Server) routes() {
	const calls = "/" + apiVersion + "/Accounts/{account}/Calls"
	s.mux.HandleFunc("POST "+calls+".json", s.api("create", s.create))
	s.mux.HandleFunc("GET "+calls+".json", s.api("list", s.list))
	s.mux.HandleFunc("GET "+calls+"/{call}", s.api("fetch", s.fetch))
	s.mux.HandleFunc("POST "+calls+"/{call}", s.api("update", s.update))
	s.mux.HandleFunc("GET "+calls+"/{call}/Notifications.json", s.api("notifications", s.notifications))
	s.mux.HandleFunc("/"+apiVersion+"/", func(w http.ResponseWriter, r *http.Request) {
		refuse(notFound(r)).write(w)
	})

	s.mux.HandleFunc("GET /sim/phones", s.page)
	s.mux.HandleFunc("GET /sim/twilio/live", s.live)
	s.mux.Handle("GET /sim/twilio/static/", http.StripPrefix("/sim/twilio/", staticFiles()))
	s.mux.HandleFunc("GET /sim/twilio/calls.json", s.callsJSON)
	s.mux.HandleFunc("GET /sim/twilio/phones.json", s.phonesJSON)
	s.mux.HandleFunc("GET /sim/twilio/requests.json", s.requestsJSON)

	own := http.NewCrossOriginProtection() // another site's page presses no keys here
	control := func(pattern string, h http.HandlerFunc) { s.mux.Handle(pattern, own.Handler(h)) }
	control("POST /sim/twilio/numbers/{number}/script", s.setScript)
	control("DELETE /sim/twilio/numbers/{number}/script", s.clearScript)
	control("POST /sim/twilio/numbers/{number}/answer", s.hand((*Phone).answerForm))
	control("POST /sim/twilio/numbers/{number}/decline", s.hand((*Phone).declineForm))
	control("POST /sim/twilio/numbers/{number}/hangup", s.hand((*Phone).hangUpForm))
	control("POST /sim/twilio/numbers/{number}/press", s.hand((*Phone).pressForm))
	control("POST /sim/twilio/faults", s.setFaults)
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
