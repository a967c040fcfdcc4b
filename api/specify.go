package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// The tags of operations.
const (
	tagIncidents     = "Incidents"
	tagDuty          = "On duty"
	tagMonitors      = "Monitors"
	tagConfiguration = "Configuration"
	tagSenders       = "Senders"
	tagAccess        = "Access"
)

const aboutAPI = `toban watches, alerts, opens incidents and rings phones until somebody presses a key.

**Who asks.** Send ` + "`Authorization: Bearer tbn_…`" + ` with a token (` + "`toban token new`" + `). Pages use their session. Each operation names the role that it takes: viewer, responder, manager or admin; each includes those before it.

**Errors** are problem details (RFC 9457). Programs look at ` + "`code`" + ` and nothing else: the words may change, codes stay. ` + "`type`" + ` leads to what can be done about it.

**Lists** come in pages: ask again with ` + "`cursor`" + ` set to ` + "`next_cursor`" + ` until there is none.

**Again, but once.** Give a request that changes something a header ` + "`Idempotency-Key`" + ` of your own making, up to 255 characters: for a day, its repetitions get the first one's answer and change nothing, on any node and after a restart. The key with another request is refused (422), and while the first is under way (409, with Retry-After).

**Limits.** A token may ask 50 times a second, 200 at once; what is above gets 429 with Retry-After. Times are RFC 3339; durations are seconds.`

// complete gives an operation what all have: errors, security, role.
func (a *API) complete(op *huma.Operation) {
	role := a.roles[op.OperationID]
	op.Description = strings.TrimSpace(op.Description + "\n\nTakes the role **" + string(role) + "** or a higher one.")
	op.Extensions = map[string]any{"x-role": string(role)}
	op.Security = []map[string][]string{{"token": {}}}
	if a.o.Cookie != "" {
		op.Security = append(op.Security, map[string][]string{"session": {}})
	}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	if op.Method != http.MethodGet {
		op.Errors = append(op.Errors, http.StatusConflict)
	}
}

// nameable lets a request that changes something be repeated. The header comes
// behind what the operation itself is about, and has no example: a page would
// send that with every request.
func nameable(op *huma.Operation) {
	if op.Method == http.MethodGet {
		return
	}
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: keyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(maxIdempotencyKey)},
		Description: "a name of your own for this request: its repetitions get the same answer and change nothing",
	})
}

// specify finishes the document of all operations and serves it.
func (a *API) specify() {
	d := a.spec
	d.Info.Description = aboutAPI
	d.Info.License = nil
	if a.o.External != nil {
		if u, err := url.Parse(a.o.External()); err == nil && strings.Trim(u.Path, "/") != "" {
			d.Servers = []*huma.Server{{URL: "/" + strings.Trim(u.Path, "/")}} // what is tried out on /docs/api stays below the path
		}
	}
	d.Tags = []*huma.Tag{
		{Name: tagIncidents, Description: "One thing wrong with one service, from trigger to resolution: what is open, who has it, what happens next."},
		{Name: tagDuty, Description: "Who is on duty when, who takes over for whom, and who would be called if something broke."},
		{Name: tagMonitors, Description: "What toban watches by itself: how it stands, how it stood, why it failed."},
		{Name: tagConfiguration, Description: "Services, users and policies as they are in force, and the folder as a whole."},
		{Name: tagSenders, Description: "Where senders come in, and their keys."},
		{Name: tagAccess, Description: "Who asks, tokens, the audit log, and how this toban does."},
	}
	d.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", BearerFormat: "tbn_…", Description: "a token, made with `toban token new` or in the settings"},
	}
	if a.o.Cookie != "" {
		d.Components.SecuritySchemes["session"] = &huma.SecurityScheme{Type: "apiKey", In: "cookie", Name: a.o.Cookie, Description: "the session of the pages, from these pages only"}
	}
	a.errorsAsSent()
	for _, each := range d.Components.Schemas.Map() {
		for _, member := range each.Properties {
			if member.Type == huma.TypeArray {
				member.Nullable = false // a list of ours may be empty, but is there
			}
		}
	}
	a.illustrate()
	serve := func(suffix, contentType string, render func() ([]byte, error)) {
		body, err := render()
		if err != nil { // a document that can't be written is a mistake in this package
			panic(err)
		}
		a.mux.HandleFunc("GET /api/v1/openapi."+suffix, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(body) // who has gone needs no answer
		})
	}
	serve("json", "application/openapi+json", d.MarshalJSON)
	serve("yaml", "application/openapi+yaml", d.YAML)
}

// errorsAsSent puts our own problem documents into the place of the framework's,
// each with an example of its status.
func (a *API) errorsAsSent() {
	schemas := a.spec.Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	schemas["Problem"] = problemSchema()
	shared := map[string]*huma.Response{}
	for _, op := range a.ops {
		for status := range op.Responses {
			code, err := strconv.Atoi(status)
			if err != nil || code < http.StatusBadRequest {
				continue
			}
			if shared[status] == nil {
				shared[status] = errorAnswer(code)
			}
			op.Responses[status] = &huma.Response{Ref: "#/components/responses/" + status}
		}
	}
	a.spec.Components.Responses = shared
}

// errorAnswer is what a status of ours means.
func errorAnswer(status int) *huma.Response {
	about := map[int]string{
		http.StatusBadRequest: "what was asked for makes no sense", http.StatusUnauthorized: "nobody is known to ask: the token or session is missing, unknown or has ended",
		http.StatusForbidden: "whoever asks may not", http.StatusNotFound: "there is no such thing", http.StatusConflict: "it does not fit how things stand, or the same request is under way",
		http.StatusUnprocessableEntity: "the request does not fit the description of the operation, or its Idempotency-Key belongs to another one",
		http.StatusTooManyRequests:     "too many requests at once", http.StatusInternalServerError: "something went wrong inside toban; the operator's log says what",
		http.StatusServiceUnavailable: "the store can't do anything at the moment; nothing was done",
	}
	answer := &huma.Response{Description: about[status], Content: map[string]*huma.MediaType{problemType: {
		Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}, Example: problemExample(status),
	}}}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		answer.Headers = map[string]*huma.Param{"Retry-After": {Description: "seconds to wait", Schema: &huma.Schema{Type: huma.TypeInteger}}}
	case http.StatusUnauthorized:
		answer.Headers = map[string]*huma.Param{"WWW-Authenticate": {Description: "how to say who asks", Schema: &huma.Schema{Type: huma.TypeString}}}
	}
	return answer
}

func problemSchema() *huma.Schema {
	text := func(about string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: about} }
	return &huma.Schema{
		Type: huma.TypeObject, Description: "an error (RFC 9457)", Required: []string{"type", "title", "status", "code"},
		Properties: map[string]*huma.Schema{
			"type":   text("leads to what can be done about it"),
			"title":  text("the words of the status"),
			"status": {Type: huma.TypeInteger, Description: "the HTTP status"},
			"detail": text("what is wrong, for people"),
			"code":   text("what is wrong, for programs; it stays as it is"),
			"field":  text("JSON pointer to the offending member, or the name of the parameter behind a slash"),
		},
	}
}
