package view

import (
	"strings"
	"testing"
	"time"

	"toban/oncall"

	"github.com/a-h/templ"
)

// evening is a Friday at 20:02 in Tokyo.
func evening() time.Time { return time.Date(2026, 11, 20, 11, 2, 0, 0, time.UTC) }

func reader(t *testing.T, lang, role string) Shell {
	return Shell{Lang: lang, Title: "x", Static: "/static/x", Role: role, User: UserBadge{ID: "ume", Name: "梅"}, Now: evening(), Zone: zone(t, "Asia/Tokyo")}
}

func weekday(from, to oncall.Clock) []oncall.Span {
	return []oncall.Span{{Days: oncall.DaySet{Weekdays: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, Working: true}, From: from, To: to}}
}

// shop is Maneki Shop: at night and on weekends Matsu and Take by turns, by day
// Ume, who has the office alone.
func shop(t *testing.T) *oncall.Directory {
	t.Helper()
	phone := func(number string) []oncall.ContactMethod {
		return []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: number, Verified: true}}
	}
	d := &oncall.Directory{
		Version: 7, Settings: oncall.Settings{Language: "ja", Zone: "Asia/Tokyo"},
		Users: map[oncall.UserID]*oncall.User{
			"matsu": {ID: "matsu", Name: "松", Contacts: phone("+819000000001")},
			"take":  {ID: "take", Name: "竹", Zone: "America/New_York", Contacts: []oncall.ContactMethod{{Name: "mail", Method: oncall.Email, Address: "take@example.jp", Verified: true}}},
			"ume":   {ID: "ume", Name: "梅", Contacts: phone("+819000000003")},
		},
		Schedules: map[oncall.ScheduleID]*oncall.Schedule{
			"infra": {ID: "infra", Zone: "Asia/Tokyo", Holidays: "jp", Layers: []oncall.Layer{
				{Name: "夜間・休日", Users: []oncall.UserID{"matsu", "take"}, Rotate: &oncall.Rotation{Every: 1, Unit: oncall.Week, From: oncall.Date{Year: 2026, Month: 1, Day: 5}, Handoff: 540}},
				{Name: "平日日中", Users: []oncall.UserID{"ume"}, During: weekday(540, 1080)},
			}},
			"office": {ID: "office", Zone: "Asia/Tokyo", Holidays: "jp", Layers: []oncall.Layer{{Users: []oncall.UserID{"ume"}, During: weekday(540, 1080)}}},
		},
		Policies: map[oncall.PolicyID]*oncall.Policy{"infra": {
			ID: "infra", Rounds: 3, Fallback: oncall.Target{Kind: oncall.TargetUser, Name: "ume"}, AcknowledgementTimeout: 30 * time.Minute,
			Levels: []oncall.Level{
				{Targets: []oncall.Target{{Kind: oncall.TargetSchedule, Name: "office"}}, Strategy: oncall.All, Wait: 5 * time.Minute, OnNoAnswer: oncall.GoAgain},
				{
					Targets:  []oncall.Target{{Kind: oncall.TargetSchedule, Name: "infra"}, {Kind: oncall.TargetUser, Name: "matsu"}},
					Strategy: oncall.InOrder, Wait: 10 * time.Minute, Each: 2 * time.Minute, OnNoAnswer: oncall.GoNext,
				},
			},
		}},
		Services: []*oncall.Service{
			{
				ID: "checkout", Name: "決済", Reading: "けっさい", Policy: "infra", Match: []oncall.Matcher{{Label: "product", Op: oncall.Equal, Value: "checkout"}},
				SupportHours: &oncall.Hours{Zone: "Asia/Tokyo", Holidays: "jp", During: weekday(540, 1080)}, PageAfter: time.Minute,
				Chat: oncall.ServiceChat{Channel: "#alerts", PerIncident: oncall.ChatHigh},
			},
			{ID: "other", Name: "その他", Policy: "infra", CatchAll: true, NoCalls: true, Shadow: true},
		},
		Integrations: map[oncall.IntegrationID]*oncall.Integration{
			"prometheus": {ID: "prometheus", Dialect: "alertmanager"},
			"shop":       {ID: "shop", Dialect: "generic", Service: "checkout"},
		},
		Routes: []oncall.Route{
			{Method: "POST", Path: "/alerts", Auth: "none", From: []string{"127.0.0.0/8", "::1/128"}, To: "prometheus"},
			{Method: "POST", Path: "/till", Auth: "none", From: []string{"::1/128", "192.0.2.0/24", "198.51.100.7/32"}, To: "prometheus"},
			{Method: "POST", Path: "/keyed", Auth: "key", To: "prometheus"},
		},
		Overrides: []oncall.Override{{ID: "ovr_1", Schedule: "infra", User: "ume", By: "matsu", From: evening().Add(24 * time.Hour), To: evening().Add(30 * time.Hour), Reason: "健康診断"}},
	}
	if err := d.Compile(); err != nil {
		t.Fatal(err)
	}
	return d
}

// endless is Maneki Shop with names that no page has room for.
func endless(t *testing.T) *oncall.Directory {
	d := shop(t)
	d.Users["matsu"].Name = strings.Repeat("松平長門守", 12)
	d.Users["ume"].Name = strings.Repeat("Bartholomew-", 12)
	d.Services[0].Name = strings.Repeat("決済と配送と在庫の", 15)
	d.Services[0].Match[0].Value = strings.Repeat("checkout-", 30)
	d.Policies["infra"].Name = strings.Repeat("VeryLongPolicyName", 9)
	return d
}

// managed pages in the states that they have to be good in.
func managePages(t *testing.T, lang string) map[string]templ.Component {
	s, none := reader(t, lang, "admin"), &oncall.Directory{}
	at := map[string]Origin{"infra": {File: "policies.yaml", Line: 12}, "checkout": {File: "services.yaml", Line: 3}}
	dir, long := shop(t), endless(t)
	rehearsal := Rehearsal{
		Path: "/oncall", Services: []Option{{Value: "checkout", Label: "決済"}}, Service: "checkout", Severity: "critical", Zone: "Asia/Tokyo", At: "2026-11-21T03:00",
		People: []Meeting{{Field: "m.matsu", Who: "松", Value: "busy"}}, Wrong: map[string]string{"at": "…"},
		Answer: &Rehearsed{At: evening(), First: "…", Duty: []string{"…"}, Steps: []StairStep{{At: evening(), In: "+0:00", Kind: "call", Sentence: "…", Why: "…"}}, End: "…"},
	}
	page := func(dir *oncall.Directory) OnCall {
		v := OnCallOf(s, dir, "ume", Contacted{Devices: map[oncall.UserID]int{"take": 2}, Answered: map[oncall.UserID]time.Time{"take": evening().Add(-72 * time.Hour)}})
		v.Rehearsal = rehearsal
		return v
	}
	month := func(s Shell, dir *oncall.Directory, kind string) Schedule {
		return ScheduleOf(s, dir, dir.Schedules["infra"], "ume", kind, s.Now, at["infra"])
	}
	abroad := s
	abroad.Zone = zone(t, "America/New_York")
	override := oncall.Override{Schedule: "infra", User: "ume", From: evening().Add(20 * time.Hour), To: evening().Add(50 * time.Hour)}
	row := PersonRow{Account: "ume", Name: "梅", Role: "responder", Since: evening()}
	return map[string]templ.Component{
		"oncall-empty":    OnCallPage(s, OnCallOf(s, none, "", Contacted{})),
		"oncall":          OnCallPage(s, page(dir)),
		"oncall-long":     OnCallPage(s, page(long)),
		"policies-empty":  PoliciesPage(s, PolicyRowsOf(s, none, nil)),
		"policies":        PoliciesPage(s, PolicyRowsOf(s, dir, at)),
		"policy":          PolicyPage(s, PolicyOf(s, dir, dir.Policies["infra"], at["infra"])),
		"policy-long":     PolicyPage(s, PolicyOf(s, long, long.Policies["infra"], Origin{})),
		"schedules-empty": SchedulesPage(s, ScheduleRowsOf(s, none, "", nil)),
		"schedules":       SchedulesPage(s, ScheduleRowsOf(s, dir, "ume", at)),
		"schedule":        SchedulePage(s, month(s, dir, "week")),
		"schedule-viewer": SchedulePage(reader(t, lang, "viewer"), month(reader(t, lang, "viewer"), dir, "week")),
		"schedule-abroad": SchedulePage(abroad, month(abroad, dir, "week")),
		"override":        OverridePage(s, OverrideForm{Schedule: "infra", Zone: "Asia/Tokyo", Users: []Option{{Value: "ume", Label: "梅"}}, User: "ume", From: "2026-11-21T16:02", To: "2026-11-22T22:02", Preview: OverridePreviewOf(s, dir, dir.Schedules["infra"], override)}),
		"override-wrong":  OverridePage(s, OverrideForm{Schedule: "infra", Zone: "Asia/Tokyo", From: "soon", Wrong: map[string]string{"from": "…"}}),
		"services-empty":  ServicesPage(s, ServiceRowsOf(none, nil, nil)),
		"services":        ServicesPage(s, ServiceRowsOf(dir, []oncall.Incident{{Service: "checkout", State: oncall.Triggered}}, at)),
		"service":         ServicePage(s, serviceStory(s, dir, at)),
		"service-long":    ServicePage(s, serviceStory(s, long, at)),
		"settings":        SettingsPage(s),
		"settings-viewer": SettingsPage(reader(t, lang, "viewer")),
		"people":          PeoplePage(s, People{Rows: []PersonRow{row, {Account: "guest", Role: "viewer", Disabled: evening()}}, Waiting: []WaitingInvite{{Account: "take", Role: "manager", Until: evening()}}, Without: []Option{{Value: "matsu", Label: "松"}}, Made: &MadeInvite{Account: "take", URL: "http://x/invite/y", Until: evening()}, Form: InviteForm{Wrong: map[string]string{"account": "…"}}}),
		"sessions":        SessionsList(s, SessionsPage{Rows: []SessionRow{{Hash: "h", Account: "ume", Agent: "Mozilla/5.0 (iPhone) Safari/1", Address: "192.0.2.1", Since: evening(), Seen: evening()}, {Hash: "g", Current: true}}, All: true, Admin: true}),
		"tokens":          TokensList(s, TokensPage{Rows: []TokenRow{{Hash: "h", Name: "夜間バッチ", Role: "viewer"}, {Hash: "g", Name: "old", Role: "admin", Expired: true, Expires: evening()}}, Roles: "responder", Made: &MadeToken{Name: "x", Secret: "tbn_x", Curl: "curl"}}),
		"audit":           AuditList(s, AuditPage{Kinds: []Option{{Value: "", Label: "…"}}, Next: "/settings/audit?before=x", Rows: []AuditRow{{ID: "aud_1", At: evening(), Actor: "松", Via: "API", Action: "…", Name: "ume", Path: "/x", Lines: Diff(`{"role":"viewer","zone":"UTC"}`, `{"role":"admin"}`)}}}),
		"about":           AboutPage(s, About{Version: "1.2.3", Engine: "SQLite", Node: "n1", Shadow: true, Since: evening(), Providers: []ProviderRow{{Name: "twilio", Sent: 2, LastSent: evening()}, {Name: "slack", Failed: 1, LastError: evening(), LastCode: "rate_limited"}, {Name: "push"}}}),
		"welcome":         FirstRunPage(s, FirstRun{Done: 1, Steps: []FirstStep{{ID: "phone", State: "done", Text: "…", At: evening()}, {ID: "provider", State: "failed", Text: "…", Act: &Action{Label: "…", Path: "/x"}, Next: true}, {ID: "chat", State: "open", Text: "…", Code: "providers:"}}}),
		"welcome-ready":   FirstRunPage(s, FirstRun{}),
	}
}

func serviceStory(s Shell, dir *oncall.Directory, at map[string]Origin) Service {
	keys := []KeyOf{{KeyRow: KeyRow{Hash: strings.Repeat("ab", 32), At: evening()}, Integration: "shop"}, {KeyRow: KeyRow{Hash: strings.Repeat("cd", 32), At: evening(), Revoked: evening()}, Integration: "shop"}}
	open := []oncall.Incident{{Number: 42, Title: "決済が応答しません", Service: "checkout", State: oncall.Acknowledged, AcknowledgedBy: "take", TriggeredAt: evening().Add(-time.Hour)}}
	v := ServiceOf(s, dir, dir.Services[0], open, nil, FeedsOf(dir, "checkout", keys, nil, at), at["checkout"])
	v.MayKey, v.Made = true, MadeKeyOf(s, dir.Integrations["shop"], dir.Services[0], "http://x", "KEY")
	v.Made.Pages = "…"
	return v
}

func TestEveryManagedPageIsDrawnAsItWas(t *testing.T) {
	t.Parallel()
	drawnAsItWas(t, "manage", managePages)
}

func TestEveryManagedPageHasEachIdOnceAndNothingThatPointsNowhere(t *testing.T) {
	t.Parallel()
	for name, page := range managePages(t, "en") {
		html := htmlOf(t, page)
		idsOnce(t, name, html)
	}
}
