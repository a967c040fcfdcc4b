package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"toban/api"
	"toban/store"
	"toban/store/storetest"
)

func TestOperationsAnswerAsTheySay(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	for range 2 {
		i.must(201, "responder", http.MethodPost, "/api/v1/incidents", `{"service":"checkout","title":"down"}`, nil)
	}
	future := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	long := strings.Repeat("あ", 2000)
	for _, tc := range []struct {
		name, as, method, path, body string
		status                       int
		code, has                    string
	}{
		{"an incident by number", "viewer", "GET", "/api/v1/incidents/1", "", 200, "", `"number":1`},
		{"an unknown incident", "viewer", "GET", "/api/v1/incidents/99", "", 404, "incident.not_found", ""},
		{"a parameter that is none", "viewer", "GET", "/api/v1/incidents?stat=open", "", 422, "request.invalid", `"field":"/stat"`},
		{"a state that is none", "viewer", "GET", "/api/v1/incidents?state=burning", "", 422, "request.invalid", `"field":"/state"`},
		{"a limit beyond the bound", "viewer", "GET", "/api/v1/incidents?limit=9999", "", 422, "request.invalid", `"field":"/limit"`},
		{"a cursor of nobody's", "viewer", "GET", "/api/v1/incidents?cursor=zzz", "", 400, "request.cursor", `"field":"/cursor"`},
		{"a time that is none", "viewer", "GET", "/api/v1/incidents?since=yesterday", "", 422, "request.invalid", "/since"},
		{"mine, for an account that is a user", "responder", "GET", "/api/v1/incidents?mine=true", "", 200, "", `"incidents":[]`},
		{"mine, for an account that is none", "admin", "GET", "/api/v1/incidents?mine=true", "", 400, "actor.unknown", ""},
		{"a body that is no JSON", "responder", "POST", "/api/v1/incidents", `{"service"`, 400, "request.invalid", ""},
		{"a member that is none", "responder", "POST", "/api/v1/incidents", `{"service":"checkout","title":"x","colour":"red"}`, 422, "request.invalid", "/colour"},
		{"a member of a wrong type", "responder", "POST", "/api/v1/incidents", `{"service":"checkout","title":7}`, 422, "request.invalid", "/title"},
		{"a title beyond the bound", "responder", "POST", "/api/v1/incidents", `{"service":"checkout","title":"` + long + `"}`, 422, "request.invalid", "/title"},
		{"a body beyond the bound", "responder", "POST", "/api/v1/incidents", `{"service":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "request.too_large", ""},
		{"a service that is none", "responder", "POST", "/api/v1/incidents", `{"service":"nothing","title":"x"}`, 400, "service.unknown", `"field":"/service"`},
		{"taking it in one's own name", "responder", "POST", "/api/v1/incidents/1/acknowledge", "", 200, "", `"acknowledged_by":"take"`},
		{"with an empty body", "responder", "POST", "/api/v1/incidents/1/acknowledge", "{}", 200, "", ""},
		{"R18: taking what somebody else has", "manager", "POST", "/api/v1/incidents/1/acknowledge", `{"by":"ume"}`, 200, "", `"acknowledged_by":"take"`},
		{"in another's name", "responder", "POST", "/api/v1/incidents/1/acknowledge", `{"by":"ume"}`, 403, "actor.denied", "manager"},
		{"in another's name as a manager", "manager", "POST", "/api/v1/incidents/2/acknowledge", `{"by":"ume"}`, 200, "", `"acknowledged_by":"ume"`},
		{"in the name of nobody's", "manager", "POST", "/api/v1/incidents/2/renew", `{"by":"cho"}`, 400, "user.unknown", "toban user list"},
		{"an account that is no user", "admin", "POST", "/api/v1/incidents/2/renew", "", 400, "actor.unknown", "--as USER"},
		{"at the socket", "local", "POST", "/api/v1/incidents/2/renew", "", 400, "actor.unknown", "operator"},
		{"at the socket, in a name", "local", "POST", "/api/v1/incidents/2/renew", `{"by":"ume"}`, 200, "", ""},
		{"reassigning to nobody", "responder", "POST", "/api/v1/incidents/1/reassign", `{}`, 400, "users.count", "/users"},
		{"another policy takes a manager", "responder", "POST", "/api/v1/incidents/1/policy", `{"text":"other"}`, 403, "access.role", "manager"},
		{"another policy", "manager", "POST", "/api/v1/incidents/1/policy", `{"text":"other"}`, 200, "", `"triggered"`},
		{"an empty note", "responder", "POST", "/api/v1/incidents/1/notes", `{"text":""}`, 400, "note.length", ""},
		{"the timeline in Japanese", "viewer", "GET", "/api/v1/incidents/1/timeline?lang=ja", "", 200, "", "さん"},
		{"alerts", "viewer", "GET", "/api/v1/incidents/1/alerts", "", 200, "", `"alerts":[`},
		{"the forecast of an incident", "viewer", "GET", "/api/v1/incidents/1/forecast", "", 200, "", `"steps":[`},
		{"a rehearsal", "viewer", "GET", "/api/v1/forecast?service=checkout&given=" + url.QueryEscape("matsu=busy"), "", 200, "", `"steps":[{`},
		{"a rehearsal of nothing", "viewer", "GET", "/api/v1/forecast?service=nothing", "", 404, "object.not_found", ""},
		{"a rehearsal in the year 9000", "viewer", "GET", "/api/v1/forecast?service=checkout&at=9000-01-01T00:00:00Z", "", 400, "request.time", "/at"},
		{"who is on duty", "viewer", "GET", "/api/v1/oncall", "", 200, "", `"schedule":"infra"`},
		{"a schedule with its shifts", "viewer", "GET", "/api/v1/schedules/infra?from=2026-11-02T00:00:00Z&to=2026-12-02T00:00:00Z", "", 200, "", `"layer":"week"`},
		{"a span that is too long", "viewer", "GET", "/api/v1/schedules/infra?from=2026-01-01T00:00:00Z&to=2030-01-01T00:00:00Z", "", 400, "request.time", "/to"},
		{"a schedule that is none", "viewer", "GET", "/api/v1/schedules/nothing", "", 404, "object.not_found", ""},
		{"policies", "viewer", "GET", "/api/v1/policies", "", 200, "", `"place":"shop.yaml:`},
		{"a policy", "viewer", "GET", "/api/v1/policies/shop", "", 200, "", `"services":["checkout"]`},
		{"services in the order of the file", "viewer", "GET", "/api/v1/services?limit=1", "", 200, "", `"next_cursor":"checkout"`},
		{"a service", "viewer", "GET", "/api/v1/services/checkout", "", 200, "", `"policy":"shop"`},
		{"users are masked", "viewer", "GET", "/api/v1/users/ume", "", 200, "", `"address":"+81 •••• 03"`},
		{"users' mail is masked", "viewer", "GET", "/api/v1/users/ume", "", 200, "", `"address":"u••••@example.jp"`},
		{"an override that ends first", "responder", "POST", "/api/v1/overrides", `{"schedule":"infra","user":"ume","from":"` + future(time.Hour) + `","to":"` + future(0) + `"}`, 400, "override.span", "/to"},
		{"an override in the past", "responder", "POST", "/api/v1/overrides", `{"schedule":"infra","user":"ume","from":"2020-01-01T00:00:00Z","to":"2020-01-02T00:00:00Z"}`, 400, "override.span", "/to"},
		{"an override of more than a year", "responder", "POST", "/api/v1/overrides/preview", `{"schedule":"infra","user":"ume","from":"` + future(0) + `","to":"` + future(367*24*time.Hour) + `"}`, 400, "override.span", "/to"},
		{"an override of nobody", "responder", "POST", "/api/v1/overrides", `{"schedule":"infra","user":"cho","from":"` + future(0) + `","to":"` + future(time.Hour) + `"}`, 404, "object.not_found", ""},
		{"a preview", "responder", "POST", "/api/v1/overrides/preview", `{"schedule":"infra","user":"ume","from":"` + future(time.Hour) + `","to":"` + future(2*time.Hour) + `"}`, 200, "", `{"user":"ume","before":0,"after":3600}`},
		{"an override that is none", "responder", "DELETE", "/api/v1/overrides/ovr_nothing", "", 404, "object.not_found", ""},
		{"integrations", "viewer", "GET", "/api/v1/integrations", "", 200, "", `"dialect":"alertmanager"`},
		{"keys of no integration", "manager", "GET", "/api/v1/integrations/nothing/keys", "", 404, "object.not_found", ""},
		{"a key", "manager", "POST", "/api/v1/integrations/prometheus/keys", "", 201, "", `"url":"https://toban.example.jp/integrations/alertmanager/`},
		{"a role that is none", "admin", "POST", "/api/v1/tokens", `{"name":"x","role":"boss"}`, 422, "request.invalid", "/role"},
		{"a token that ended", "admin", "POST", "/api/v1/tokens", `{"name":"x","role":"viewer","expires":"2020-01-01T00:00:00Z"}`, 400, "access.token_expiry", "/expires"},
		{"a token that is none", "admin", "DELETE", "/api/v1/tokens/abcdef12", "", 404, "access.token_unknown", ""},
		{"no monitors", "viewer", "GET", "/api/v1/monitors", "", 200, "", `"monitors":[]`},
		{"a monitor by a responder", "responder", "PUT", "/api/v1/monitors/shop", `{"http":"https://shop.example.jp"}`, 403, "access.role", ""},
		{"a monitor that says nothing", "manager", "PUT", "/api/v1/monitors/shop", `{"htp":"https://shop.example.jp"}`, 400, "monitor.invalid", "htp"},
		{"a monitor that is no JSON", "manager", "PUT", "/api/v1/monitors/shop", `{"http"`, 400, "", ""},
		{"a monitor", "manager", "PUT", "/api/v1/monitors/shop", `{"http":"https://shop.example.jp/health","every":"30s","service":"checkout"}`, 200, "", `"written":{"http":"https://shop.example.jp/health","every":"30s","service":"checkout"}`},
		{"a heartbeat", "manager", "PUT", "/api/v1/monitors/nightly", `{"heartbeat":{"period":"1h"}}`, 200, "", `"ping_url":"https://toban.example.jp/ping/`},
		{"monitors of a kind", "viewer", "GET", "/api/v1/monitors?kind=http&service=checkout", "", 200, "", `"state":"unknown"`},
		{"monitors of a kind that is none", "viewer", "GET", "/api/v1/monitors?kind=x", "", 422, "request.invalid", "/kind"},
		{"a monitor as it stands", "viewer", "GET", "/api/v1/monitors/shop", "", 200, "", `[1m]) == 0","written"`},
		{"a monitor that is none", "viewer", "GET", "/api/v1/monitors/nothing", "", 404, "monitor.not_found", ""},
		{"days of a monitor", "viewer", "GET", "/api/v1/monitors/shop/days?days=7", "", 200, "", `"days":[]`},
		{"too many days", "viewer", "GET", "/api/v1/monitors/shop/days?days=401", "", 422, "request.invalid", "/days"},
		{"failures of a monitor", "viewer", "GET", "/api/v1/monitors/shop/failures", "", 200, "", `"failures":[]`},
		{"pings of a heartbeat", "viewer", "GET", "/api/v1/monitors/nightly/pings", "", 200, "", `"pings":[]`},
		{"asking a heartbeat", "responder", "POST", "/api/v1/monitors/nightly/check", "", 400, "monitor.asks_nobody", ""},
		{"asking takes a responder", "viewer", "POST", "/api/v1/monitors/shop/check", "", 403, "access.role", ""},
		{"deleting takes a manager", "responder", "DELETE", "/api/v1/monitors/shop", "", 403, "access.role", ""},
		{"deleting a monitor", "manager", "DELETE", "/api/v1/monitors/shop", "", 200, "", `"name":"shop"`},
		{"deleting it again", "manager", "DELETE", "/api/v1/monitors/shop", "", 404, "monitor.not_found", ""},
		{"the audit log", "manager", "GET", "/api/v1/audit?kind=integration_key", "", 200, "", `"action":"created"`},
		{"who asks", "responder", "GET", "/api/v1/me", "", 200, "", `{"account":"take","user":"take","role":"responder","via":"api","zone":"Asia/Tokyo"}`},
		{"who asks at the socket", "local", "GET", "/api/v1/me", "", 200, "", `{"account":"operator","role":"admin","via":"cli","zone":"Asia/Tokyo"}`},
		{"the status", "viewer", "GET", "/api/v1/status", "", 200, "", `"version":"1.2.3"`},
		{"a configuration of nothing", "admin", "PUT", "/api/v1/configuration", `{"objects":[]}`, 400, "configuration.invalid", "/objects"},
		{"a configuration of a strange kind", "admin", "PUT", "/api/v1/configuration", `{"objects":[{"kind":"installation","name":"key","body":{}}]}`, 400, "configuration.invalid", "/objects/0/kind"},
		{"a configuration that reaches nobody", "admin", "PUT", "/api/v1/configuration", `{"objects":[{"kind":"user","name":"ume","body":{"ID":"ume"}}]}`, 400, "configuration.invalid", "no service"},
		{
			"a configuration with a policy of nobody's", "admin", "PUT", "/api/v1/configuration",
			`{"objects":[{"kind":"service","name":"s","body":{"ID":"s","Policy":"p","CatchAll":true}},{"kind":"policy","name":"p","body":{"ID":"p"}}]}`, 400, "policy.", "",
		},
		{"the configuration", "admin", "GET", "/api/v1/configuration?limit=1", "", 200, "", `"next_cursor"`},
		{"NUL in a name", "viewer", "GET", "/api/v1/users/%00", "", 404, "object.not_found", ""},
	} {
		got := i.as(tc.as, tc.method, tc.path, tc.body)
		if got.status != tc.status || !strings.HasPrefix(got.code(), tc.code) || !strings.Contains(string(got.body), tc.has) {
			t.Errorf("%s: got %d %.400s, want %d %s with %s", tc.name, got.status, got.body, tc.status, tc.code, tc.has)
		}
		if got.status >= 400 && (got.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(string(got.body), `"type":"/docs/errors#`)) {
			t.Errorf("%s: got %s %s, want a problem document", tc.name, got.header.Get("Content-Type"), got.body)
		}
	}
	if said := i.log.String(); strings.Contains(said, "+8190") || strings.Contains(said, "level=ERROR") {
		t.Errorf("the log has what it should not: %s", said)
	}
}

func TestIncidentsArePickedAndComeInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := newInstallation(t, db)
		for n := range 25 {
			service, severity := "checkout", "critical"
			if n%5 == 0 {
				service, severity = "rest", "warning"
			}
			i.must(201, "responder", http.MethodPost, "/api/v1/incidents", fmt.Sprintf(`{"service":%q,"title":"n %d","severity":%q}`, service, n, severity), nil)
		}
		i.must(200, "responder", http.MethodPost, "/api/v1/incidents/3/acknowledge", "", nil)
		i.must(200, "responder", http.MethodPost, "/api/v1/incidents/4/resolve", "", nil)
		i.must(200, "manager", http.MethodPost, "/api/v1/incidents/7/acknowledge", `{"by":"ume"}`, nil)
		read := func(role, query string) (all []api.Incident, pages int) {
			for cursor := ""; ; {
				var page api.IncidentList
				i.must(200, role, http.MethodGet, "/api/v1/incidents?"+query+"&cursor="+cursor, "", &page)
				all = append(all, page.Incidents...)
				pages++
				if cursor = page.NextCursor; cursor == "" {
					return all, pages
				}
			}
		}
		for _, tc := range []struct {
			query string
			want  int
		}{
			{"state=all", 25},
			{"state=open", 24},
			{"state=acknowledged", 2},
			{"state=resolved", 1},
			{"state=all&service=rest", 5},
			{"state=all&urgency=low", 5},
			{"state=all&stage=production", 25},
			{"state=all&stage=staging", 0},
			{"state=all&text=n+1", 11},
			{"state=all&mine=true", 1},
			{"state=all&since=2099-01-01T00:00:00Z", 0},
			{"state=all&until=2020-01-01T00:00:00Z", 0},
			{"state=all&since=2020-01-01T00:00:00Z&until=2099-01-01T00:00:00Z", 25},
		} {
			for _, limit := range []string{"4", "200"} {
				all, pages := read("responder", tc.query+"&limit="+limit)
				seen := map[string]bool{}
				for n, inc := range all {
					if seen[inc.ID] || n > 0 && inc.TriggeredAt.After(all[n-1].TriggeredAt) {
						t.Errorf("%s: incident %d comes twice or out of order", tc.query, inc.Number)
					}
					seen[inc.ID] = true
				}
				if len(all) != tc.want {
					t.Errorf("%s in pages of %s: got %d incidents in %d pages, want %d", tc.query, limit, len(all), pages, tc.want)
				}
			}
		}
		var lines api.EntryList
		i.must(200, "viewer", http.MethodGet, "/api/v1/incidents/3/timeline?limit=1", "", &lines)
		if len(lines.Entries) != 1 || lines.NextCursor != "1" {
			t.Errorf("a page of the timeline: got %+v, want one line and where to go on", lines)
		}
	})
}

func TestTokensAndKeysAreShownOnceAndEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := newInstallation(t, db)
		var made api.Token
		i.must(201, "admin", http.MethodPost, "/api/v1/tokens", `{"name":"deploy","role":"responder"}`, &made)
		bearer := []string{"Authorization", "Bearer " + made.Secret}
		i.must(200, "", http.MethodGet, "/api/v1/me", "", nil, bearer...)
		if got := i.as("viewer", http.MethodGet, "/api/v1/tokens", ""); got.status != http.StatusForbidden {
			t.Errorf("a viewer reads tokens: got %d, want 403", got.status)
		}
		var own api.TokenList
		i.must(200, "responder", http.MethodGet, "/api/v1/tokens", "", &own)
		for _, each := range own.Tokens {
			if each.Hash == made.Hash {
				t.Error("a responder sees the token of somebody else")
			}
		}
		list := i.as("admin", http.MethodGet, "/api/v1/tokens", "")
		if strings.Contains(string(list.body), made.Secret) || !strings.Contains(string(list.body), made.Hash) {
			t.Error("the list has the secret, or lacks the hash")
		}
		i.must(200, "admin", http.MethodDelete, "/api/v1/tokens/"+made.Hash[:8], "", nil)
		if got := i.as("", http.MethodGet, "/api/v1/me", "", bearer...); got.status != http.StatusUnauthorized {
			t.Errorf("a revoked token: got %d, want 401", got.status)
		}
		if got := i.as("admin", http.MethodDelete, "/api/v1/tokens/"+made.Hash[:8], ""); got.code() != "access.token_revoked" {
			t.Errorf("revoking again: got %d %s, want that it was", got.status, got.body)
		}
		// One of the installation, made by the machine's own user.
		var local api.Token
		i.must(201, "local", http.MethodPost, "/api/v1/tokens", `{"name":"ci","role":"viewer"}`, &local)
		if local.Account != "" {
			t.Errorf("got a token of %q, want the installation's", local.Account)
		}
		i.must(200, "", http.MethodGet, "/api/v1/incidents", "", nil, "Authorization", "Bearer "+local.Secret)

		var key api.Key
		i.must(201, "manager", http.MethodPost, "/api/v1/integrations/prometheus/keys", "", &key)
		i.must(200, "manager", http.MethodDelete, "/api/v1/integrations/prometheus/keys/"+key.Hash[:10], "", &key)
		if key.RevokedAt == nil {
			t.Error("the answer does not say when the key was revoked")
		}
		if got := i.as("manager", http.MethodDelete, "/api/v1/integrations/prometheus/keys/"+key.Hash[:10], ""); got.code() != "key.revoked" {
			t.Errorf("revoking again: got %d %s, want that it was", got.status, got.body)
		}
		log := i.as("manager", http.MethodGet, "/api/v1/audit?limit=100", "")
		for _, secret := range []string{made.Secret, key.Secret, "+8190"} {
			if secret != "" && strings.Contains(string(log.body), secret) {
				t.Error("the audit log has a secret or a telephone number")
			}
		}
	})
}

func TestAConfigurationIsAppliedAsAWholeAndWrittenDown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := newInstallation(t, db)
		var before api.Configuration
		i.must(200, "admin", http.MethodGet, "/api/v1/configuration?limit=1000", "", &before)
		if len(before.Objects) < 8 {
			t.Fatalf("got %d objects, want all of the folder", len(before.Objects))
		}
		body := apiFolder(t, strings.Replace(folder, "name: Take,", "name: Takeshi,", 1))
		var done api.Applied
		i.must(200, "admin", http.MethodPut, "/api/v1/configuration", body, &done)
		if done.Changed != 1 || len(done.Objects) != 1 || done.Objects[0] != (api.ObjectChanged{Action: "changed", Kind: "user", Name: "take"}) || done.Version <= before.Version {
			t.Errorf("got %+v, want the one user", done)
		}
		var log api.AuditList
		i.must(200, "manager", http.MethodGet, "/api/v1/audit?kind=user&name=take", "", &log)
		if len(log.Entries) != 1 || log.Entries[0].Actor != "root" || !strings.Contains(fmt.Sprint(log.Entries[0].Before), "Take") ||
			!strings.Contains(fmt.Sprint(log.Entries[0].After), "Takeshi") || strings.Contains(fmt.Sprint(log.Entries), "+819000000002") {
			t.Errorf("got %+v, want who changed what, without the number", log.Entries)
		}
		i.must(200, "admin", http.MethodPut, "/api/v1/configuration", body, &done)
		if done.Changed != 0 {
			t.Errorf("the same again: got %d changes, want none", done.Changed)
		}
	})
}
