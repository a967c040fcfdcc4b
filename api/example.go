package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
	"toban/internal/problem"
	"toban/oncall"
	"toban/store"
)

// illustrate gives every schema and every body an example, made of real values
// of the types, so that none can be wrong about its own names.
func (a *API) illustrate() {
	named := map[string]any{}
	for _, v := range samples() {
		named[reflect.TypeOf(v).Name()] = plain(v)
	}
	for name, s := range a.spec.Components.Schemas.Map() {
		if v, ok := named[name]; ok {
			s.Examples = []any{v}
		}
	}
	s := a.spec.Components.Schemas.Map()["Problem"]
	s.Examples = []any{problemExample(http.StatusNotFound)}
	give := func(content map[string]*huma.MediaType, own any) {
		for _, media := range content {
			if media.Example != nil { // an error's
				continue
			}
			if own != nil {
				media.Example = plain(own)
			} else if media.Schema != nil {
				media.Example = named[nameOfRef(media.Schema.Ref)]
			}
		}
	}
	bodies, answers := requestSamples(), answerSamples()
	for _, op := range a.ops {
		if op.RequestBody != nil {
			give(op.RequestBody.Content, bodies[op.OperationID])
		}
		for _, res := range op.Responses {
			give(res.Content, answers[op.OperationID])
		}
	}
}

// plain is a value as JSON has it.
func plain(v any) (out any) {
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil { // an example of ours that is no JSON
		panic(err)
	}
	return out
}

func nameOfRef(ref string) string {
	const prefix = "#/components/schemas/"
	if len(ref) < len(prefix) {
		return ""
	}
	return ref[len(prefix):]
}

// problemExample is an error of a status that clients meet.
func problemExample(status int) any {
	errs := map[int]error{
		http.StatusBadRequest: errCursor, http.StatusUnauthorized: access.ErrToken, http.StatusNotFound: oncall.ErrUnknownIncident,
		http.StatusForbidden: access.Require(access.With(context.Background(), access.Principal{Role: access.Viewer}), access.Responder),
		http.StatusConflict:  oncall.ErrResolved, http.StatusUnprocessableEntity: errUnfit, http.StatusTooManyRequests: errTooMany,
		http.StatusServiceUnavailable: store.ErrUnavailable, http.StatusInternalServerError: errors.New("not shown"),
	}
	doc := problem.Of(errs[status])
	doc.Status, doc.Title = status, http.StatusText(status)
	return plain(doc)
}

func at(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 28, hour, minute, second, 0, time.UTC)
}

// samples has a value of every type that has a schema.
func samples() []any {
	taken, later, level := at(3, 1, 12), at(4, 1, 12), at(3, 5, 0)
	shift := Shift{User: "take", From: at(0, 0, 0), To: at(9, 0, 0), Layer: "week"}
	entry := Entry{Seq: 3, At: taken, Kind: "acknowledged", Actor: "ume", Text: "Ume has taken it (until 04:01)", Data: Data{Until: &later, Via: "call"}}
	step := Step{At: level, In: 300, Kind: "level", Text: "Now level 2: Take", Data: Data{Level: 2, Users: []string{"take"}}}
	inc := Incident{
		ID: "inc_01jdsk3r4w9y7x5q4r6s1t0abc", Number: 42, Service: "checkout", State: "acknowledged", Severity: "critical", Urgency: "high",
		Title: "Checkout answers 503", Stage: "production", Count: 7, TriggeredAt: at(3, 0, 0), AcknowledgedAt: &taken, AcknowledgedBy: "ume",
		NextAt: &later, NextWhy: "lapse",
	}
	alert := Alert{
		ID: "alr_01jdsk3r4w9y7x5q4r6s1t0abd", Key: "checkout/http", State: "firing", Severity: "critical", StartsAt: at(3, 0, 0), LastAt: at(3, 4, 0), Count: 7,
		Labels: map[string]string{"alertname": "CheckoutDown"}, Annotations: map[string]string{"summary": "Checkout answers 503"},
	}
	duty := Duty{Schedule: "infra", Users: []string{"take"}, Until: new(at(9, 0, 0)), Next: []string{"matsu"}}
	layer := Layer{Name: "week", Users: []string{"matsu", "take"}, Every: "1 week", Handoff: "09:00"}
	schedule := Schedule{Name: "infra", Zone: "Asia/Tokyo", Holidays: "JP", Layers: []Layer{layer}, Group: "@oncall-infra", Place: "schedules.yaml:3", Now: duty}
	override := Override{ID: "ovr_01jc8k2v3w9y7x5q4r6s1t0abc", Schedule: "infra", User: "ume", From: at(9, 0, 0), To: at(21, 0, 0), By: "take", Reason: "wedding"}
	change := DutyChange{User: "ume", Before: 0, After: 43200}
	target := Target{Kind: "schedule", Name: "infra"}
	rung := Level{Targets: []Target{target}, Strategy: "in_order", Wait: 300, OnNoAnswer: "next"}
	policy := Policy{
		Name: "shop", Title: "Shop", Levels: []Level{rung}, Rounds: 3, Fallback: Target{Kind: "user", Name: "matsu"}, Timeout: 3600,
		Services: []string{"checkout"}, Place: "policies.yaml:2",
	}
	matcher := Matcher{Label: "job", Op: "=", Value: "checkout"}
	service := Service{
		Name: "checkout", Title: "Checkout", Policy: "shop", Match: []Matcher{matcher},
		Urgency: map[string]string{"critical": "high", "error": "high", "warning": "low", "info": "low"}, Channel: "#shop", PerIncident: "high",
		Integrations: []string{"prometheus"}, Place: "services.yaml:2",
	}
	contact := Contact{Name: "phone", Method: "call", Address: "+81 •••• 01", Verified: true}
	rule := Rule{After: 0, Via: []string{"phone"}}
	user := User{
		Name: "ume", Title: "Ume", Language: "ja", Zone: "Asia/Tokyo", Contacts: []Contact{contact}, Rules: map[string][]Rule{"high": {rule}},
		Reachable: true, Place: "users.yaml:9",
	}
	integration := Integration{Name: "prometheus", Dialect: "alertmanager", Place: "integrations.yaml:2"}
	key := Key{Hash: "3f9a1c22d0b84e6f5a7c9e1b2d3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5", CreatedAt: at(1, 0, 0)}
	token := Token{
		Hash: "9c1b7e40a2d3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b53f9a1c22d0b84e6f", Name: "deploy script", Account: "matsu", Role: "responder",
		CreatedAt: at(1, 0, 0), UsedAt: new(at(2, 30, 0)),
	}
	audited := AuditEntry{
		ID: "aud_01jdsk3r4w9y7x5q4r6s1t0abe", At: at(2, 0, 0), Actor: "take", Via: "page", Action: "created", Kind: "override", Name: override.ID,
		After: plain(map[string]string{"schedule": "infra", "user": "ume"}),
	}
	written := json.RawMessage(`{"http":"https://shop.example.jp/health","every":"15s","service":"checkout"}`)
	seen := MonitorPlace{Location: "here", State: "down", Since: new(at(3, 0, 0)), LastAt: new(at(3, 4, 45)), Reason: "status"}
	uptime := MonitorUptime{Since: new(at(3, 0, 0).AddDate(0, 0, -12)), Day: new(0.9967), Month: new(0.9997)}
	monitor := Monitor{
		Name: "shop", Title: "Shop", Kind: "http", Target: "https://shop.example.jp/health", State: "down", Since: new(at(3, 0, 0)), Reason: "status",
		Message: "HTTP/1.1 503 Service Unavailable, wanted 2xx", LastAt: new(at(3, 4, 45)), Took: 0.084, Certificate: new(at(9, 0, 0).AddDate(0, 2, 0)), Every: 15,
		Severity: "critical", Service: "checkout", Places: []MonitorPlace{seen}, Expression: `max_over_time(probe_success{monitor="shop"}[30s]) == 0`,
		Written: written, Place: "monitors.yaml:2", Uptime: &uptime,
	}
	evidence := MonitorEvidence{
		Tried: []string{"192.0.2.10:443", "GET https://shop.example.jp/health"}, Status: "HTTP/1.1 503 Service Unavailable",
		Headers: []string{"Content-Type: text/plain"}, Body: "upstream is gone", BodySize: 16, Chain: []string{"CN=shop.example.jp, until 2027-01-28"},
	}
	phase := MonitorPhase{Name: "connect", Took: 0.012}
	failure := MonitorFailure{ID: "mfl_01jdsk3r4w9y7x5q4r6s1t0abf", Location: "here", At: at(3, 0, 0), Reason: "status", Message: monitor.Message, Evidence: evidence}
	day := MonitorDay{Date: "2026-11-28", Up: 10800, Down: 285, Checks: 739, Failures: 19}
	ping := Ping{N: 412, At: at(3, 0, 31), Kind: "success", Exit: new(0), Took: 31, Address: "192.0.2.7", Agent: "curl/8.11", Body: "412 files"}
	object := Object{Kind: "user", Name: "ume", Body: json.RawMessage(`{"ID":"ume","Name":"Ume"}`), File: "users.yaml", Line: 9}
	changed := ObjectChanged{Action: "changed", Kind: "user", Name: "ume"}
	node := Node{Name: "local", Version: "1.0.0", StartedAt: at(0, 0, 0), Alive: true}
	provider := Provider{Name: "twilio", Sent: 12, LastSent: new(taken)}
	open := Open{Triggered: 0, Acknowledged: 1}
	return []any{
		inc,
		IncidentList{Incidents: []Incident{inc}, NextCursor: "1795834800000.inc_01jdsk3r4w9y7x5q4r6s1t0abc"},
		Creation{Service: "checkout", Title: "Customers report double charges", Severity: "critical"},
		Action{By: "ume"},
		alert,
		AlertList{Alerts: []Alert{alert}},
		entry, entry.Data,
		EntryList{Entries: []Entry{entry}},
		step,
		Forecast{From: at(3, 0, 0), Steps: []Step{step}},
		duty,
		DutyList{At: at(3, 0, 0), Duty: []Duty{duty}},
		override,
		OverrideList{Overrides: []Override{override}},
		Preview{Before: []Shift{shift}, After: []Shift{{User: "ume", From: override.From, To: override.To, Override: true}}, Changes: []DutyChange{change}},
		change,
		shift,
		Gap{From: at(9, 0, 0), To: at(10, 0, 0)},
		layer, schedule,
		ScheduleList{Schedules: []Schedule{schedule}},
		Rota{Schedule: schedule, From: at(0, 0, 0), To: at(9, 0, 0), Shifts: []Shift{shift}, Gaps: []Gap{}},
		target, rung, policy,
		PolicyList{Policies: []Policy{policy}},
		matcher, service,
		ServiceList{Services: []Service{service}},
		contact, rule, user,
		UserList{Users: []User{user}},
		integration,
		IntegrationList{Integrations: []Integration{integration}},
		key,
		KeyList{Keys: []Key{key}},
		token,
		TokenRequest{Name: "deploy script", Role: "responder"},
		TokenList{Tokens: []Token{token}},
		audited,
		AuditList{Entries: []AuditEntry{audited}},
		Me{Account: "matsu", User: "matsu", Role: "responder", Via: "api"},
		Status{Version: "1.0.0", Engine: "sqlite", Node: "local", Nodes: []Node{node}, Configuration: 17, Providers: []Provider{provider}, Open: open},
		node, provider, open,
		seen, uptime, monitor,
		MonitorList{Monitors: []Monitor{monitor}},
		evidence, phase,
		MonitorCheck{At: at(3, 5, 0), Took: 0.084, Reason: "status", Message: monitor.Message, Phases: []MonitorPhase{phase}, Evidence: evidence},
		failure,
		MonitorFailureList{Failures: []MonitorFailure{failure}},
		day,
		MonitorDayList{Days: []MonitorDay{day}},
		ping,
		PingList{Pings: []Ping{ping}},
		object,
		Folder{Objects: []Object{object}},
		changed,
		Applied{Version: 18, Changed: 1, Objects: []ObjectChanged{changed}},
		Configuration{Version: 18, Objects: []Object{object}},
	}
}

// requestSamples are the bodies of operations that share a type and use
// different members of it.
func requestSamples() map[string]any {
	until := at(7, 0, 0)
	override := Override{Schedule: "infra", User: "ume", From: at(9, 0, 0), To: at(21, 0, 0), Reason: "wedding"}
	return map[string]any{
		"snooze-incident":     Action{Until: until},
		"reassign-incident":   Action{Users: []string{"take", "ume"}},
		"responders-incident": Action{Users: []string{"matsu"}},
		"policy-incident":     Action{Text: "infra"},
		"notes-incident":      Action{Text: "the database is back; watching"},
		"put-monitor":         map[string]any{"http": "https://shop.example.jp/health", "every": "15s", "down_after": "45s", "service": "checkout"},
		"create-override":     override,
		"preview-override":    override,
	}
}

// answerSamples are the answers that have what is shown once.
func answerSamples() map[string]any {
	return map[string]any{
		"create-key": Key{
			Hash: "3f9a1c22d0b84e6f5a7c9e1b2d3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5", Secret: "EXAMPLEONLY234567EXAMPLEON",
			URL: "https://toban.example.jp/integrations/alertmanager/EXAMPLEONLY234567EXAMPLEON", CreatedAt: at(1, 0, 0),
		},
		"create-token": Token{
			Hash: "9c1b7e40a2d3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b53f9a1c22d0b84e6f", Name: "deploy script", Account: "matsu", Role: "responder",
			Secret: "tbn_exampleonly234567exampleonly2345", CreatedAt: at(1, 0, 0),
		},
	}
}
