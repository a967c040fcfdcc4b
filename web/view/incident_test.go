package view

import (
	"slices"
	"strings"
	"testing"
	"time"

	"toban/i18n"
	"toban/oncall"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"
)

func paged(who ...oncall.UserID) *oncall.Response {
	r := &oncall.Response{Phase: oncall.Escalating, Round: 1, LevelEnd: evening().Add(5 * time.Minute)}
	for _, u := range who {
		r.Pages = append(r.Pages, oncall.Page{User: u, State: oncall.PageLive})
	}
	return r
}

func TestWhatGoesOnIsSaidInOneSentence(t *testing.T) {
	t.Parallel()
	dir := shop(t)
	held := &oncall.Response{Phase: oncall.Held, Holder: "take", HoldEnd: evening().Add(30 * time.Minute)}
	soon := func(in time.Duration, kind oncall.EntryKind, data oncall.EntryData) *oncall.Step {
		return &oncall.Step{At: evening().Add(in), In: in, Entry: oncall.Entry{Kind: kind, Data: data}}
	}
	call := func(in time.Duration, user oncall.UserID) *oncall.Step {
		return soon(in, oncall.EntryContact, oncall.EntryData{User: user, Method: oncall.Call})
	}
	old := &oncall.Target{Kind: oncall.TargetPager, Name: "old"}
	rest := paged()
	rest.Level, rest.Floor = oncall.AtRest, evening().Add(20*time.Second)
	tail := paged("matsu")
	tail.Pages[0].State = oncall.PageTail
	pager := &oncall.Response{Phase: oncall.Escalating, Pages: []oncall.Page{{Pager: "old", State: oncall.PageLive}}}
	for _, tc := range []struct {
		name     string
		state    oncall.State
		response *oncall.Response
		next     *oncall.Step
		ja, en   string
		at       time.Duration
	}{
		{"the same again", oncall.Triggered, paged("matsu"), call(time.Second, "matsu"), "松さんを呼び出し中 · {time}にもう一度", "paging 松 · again {time}", time.Second},
		{"another one next, long before the level's end", oncall.Triggered, paged("matsu"), call(26*time.Second, "take"), "松さんを呼び出し中 · {time}に竹さんへ", "paging 松 · then 竹 {time}", 26 * time.Second},
		{"paging two, each once", oncall.Triggered, paged("matsu", "take", "matsu"), soon(time.Minute, oncall.EntryLevel, oncall.EntryData{Level: 2}), "松さん、竹さんを呼び出し中 · {time}に次へ", "paging 松, 竹 · escalates {time}", time.Minute},
		{"the rounds end", oncall.Triggered, paged("matsu"), soon(time.Minute, oncall.EntryUnanswered, oncall.EntryData{}), "松さんを呼び出し中 · {time}に呼び出しを終えます", "paging 松 · paging ends {time}", time.Minute},
		{"the next round", oncall.Triggered, paged("matsu"), soon(time.Minute, oncall.EntryRound, oncall.EntryData{Round: 2}), "松さんを呼び出し中 · {time}に呼び出しを再開", "paging 松 · paging again {time}", time.Minute},
		{"nobody yet", oncall.Triggered, tail, call(2*time.Second, "take"), "呼び出しを始めています · {time}に竹さんへ", "paging begins · then 竹 {time}", 2 * time.Second},
		{"what comes is not known", oncall.Triggered, paged("matsu"), nil, "松さんを呼び出し中", "paging 松", 0},
		{"another pager", oncall.Triggered, pager, soon(time.Second, oncall.EntryPage, oncall.EntryData{Target: old}), "", "paging pager old · again {time}", time.Second},
		{"between two rounds", oncall.Triggered, rest, nil, "応答がありません · {time}に呼び出しを再開", "nobody answered · paging again {time}", 20 * time.Second},
		{"outside of the support hours", oncall.Triggered, &oncall.Response{Phase: oncall.WaitingForHours, Start: evening().Add(time.Hour)}, nil, "待機中 · {time}に呼び出し開始", "waiting · paging begins {time}", time.Hour},
		{"unanswered", oncall.Triggered, &oncall.Response{Phase: oncall.Unanswered, RemindAt: evening().Add(24 * time.Hour)}, nil, "まだだれも対応していません · {time}に再通知", "nobody has taken it · reminder {time}", 24 * time.Hour},
		{"held", oncall.Acknowledged, held, nil, "竹さんが対応中 · 連絡がなければ{time}に再び呼び出し", "竹 has it · paging resumes {time} unless renewed", 30 * time.Minute},
		{"held by somebody who is gone", oncall.Acknowledged, nil, nil, "竹さんが対応中", "竹 has it", 0},
		{"over", oncall.Resolved, nil, nil, "解決 · {time}", "resolved · {time}", -time.Minute},
		{"no response", oncall.Triggered, nil, nil, "", "", 0},
	} {
		inc := &oncall.Incident{State: tc.state, AcknowledgedBy: "take", ResolvedAt: evening().Add(-time.Minute)}
		for lang, want := range map[string]string{"ja": tc.ja, "en": tc.en} {
			if want == "" && tc.response == pager {
				continue
			}
			s := reader(t, lang, "responder")
			got := DoingOf(s, i18n.Names{Directory: dir}, inc, tc.response, tc.next)
			said := got.Text
			if !got.At.IsZero() && got.After != "" {
				said += " · " + s.T(got.After, "user", got.Then)
			}
			if said != want {
				t.Errorf("%s, %s: got %q, want %q", tc.name, lang, said, want)
			}
			if tc.at != 0 && !got.At.Equal(evening().Add(tc.at)) {
				t.Errorf("%s: at %s, want %s from now", tc.name, got.At, tc.at)
			}
		}
	}
}

func wrote(seq int64, kind oncall.EntryKind, actor string, data oncall.EntryData) oncall.Entry {
	return oncall.Entry{Seq: seq, At: evening().Add(time.Duration(seq) * time.Second), Kind: kind, Actor: actor, Data: data}
}

func story() []oncall.Entry {
	all := []oncall.Entry{
		wrote(1, oncall.EntryTriggered, "", oncall.EntryData{Title: "決済が応答しません", Severity: oncall.Critical, Urgency: oncall.High, Service: "checkout"}),
		wrote(2, oncall.EntryLevel, "", oncall.EntryData{Round: 1, Level: 1}),
		wrote(3, oncall.EntryPage, "", oncall.EntryData{User: "matsu", Level: 1}),
		wrote(4, oncall.EntryContact, "", oncall.EntryData{User: "matsu", Method: oncall.Call, Nth: 1, Contact: "phone"}),
		wrote(5, oncall.EntryOutcome, "", oncall.EntryData{User: "matsu", Method: oncall.Call, Outcome: oncall.Busy}),
		wrote(6, oncall.EntryUnreached, "", oncall.EntryData{User: "matsu", Why: "busy"}),
		wrote(7, oncall.EntryPage, "", oncall.EntryData{User: "take", Level: 2}),
		wrote(8, oncall.EntryAcknowledged, "take", oncall.EntryData{Via: "call"}),
		wrote(9, oncall.EntryTold, "take", oncall.EntryData{Users: []oncall.UserID{"matsu"}, Why: "taken"}),
		wrote(10, oncall.EntryNote, "take", oncall.EntryData{Text: "再起動しています。\n<b>5分</b>ほどで戻ります。"}),
	}
	slices.Reverse(all)
	return all
}

func TestWhatMachinesSayAboutDeliveriesIsFolded(t *testing.T) {
	t.Parallel()
	names := i18n.Names{Directory: shop(t)}
	got := LinesOf(reader(t, "en", "responder"), names, story())
	var shape []string
	for _, line := range got {
		mark := line.ID
		if line.Human {
			mark += " human"
		}
		shape = append(shape, mark+" "+number(len(line.Folded)))
	}
	want := []string{"line-10 human 0", "line-9 0", "line-8 human 0", "lines-3 5", "line-2 0", "line-1 human 0"}
	if diff := cmp.Diff(want, shape); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if got[0].Note == "" || strings.Contains(got[0].Sentence, "再起動") {
		t.Errorf("a note is %+v, want its text apart from who wrote it", got[0])
	}
}

func TestTheFoldKeepsItsNameWhenMoreComes(t *testing.T) {
	t.Parallel()
	names, s := i18n.Names{Directory: shop(t)}, reader(t, "en", "responder")
	all := story()[4:] // nobody has it yet
	before := LinesOf(s, names, all[1:])[0].ID
	if after := LinesOf(s, names, all)[0].ID; after != before {
		t.Errorf("the fold was %s and is %s; an open one would close", before, after)
	}
}

func TestWhatHappensNextBeginsWithWhatHappensNow(t *testing.T) {
	t.Parallel()
	names, s := i18n.Names{Directory: shop(t)}, reader(t, "ja", "responder")
	step := func(in time.Duration, kind oncall.EntryKind, data oncall.EntryData) oncall.Step {
		return oncall.Step{At: evening().Add(in), In: in, Entry: oncall.Entry{Kind: kind, Data: data}}
	}
	steps := []oncall.Step{
		step(25*time.Second, oncall.EntryOutcome, oncall.EntryData{User: "matsu", Outcome: oncall.NoAnswer, Method: oncall.Call}),
		step(25*time.Second, oncall.EntryContact, oncall.EntryData{User: "matsu", Method: oncall.Call, Nth: 2}),
		step(50*time.Second, oncall.EntryPage, oncall.EntryData{User: "take"}),
		step(50*time.Second, oncall.EntryContact, oncall.EntryData{User: "take", Method: oncall.Call, Nth: 1}),
		step(51*time.Second, oncall.EntryTold, oncall.EntryData{Users: []oncall.UserID{"matsu"}}),
		step(60*time.Second, oncall.EntryRound, oncall.EntryData{Round: 1}),
		step(90*time.Second, oncall.EntryRound, oncall.EntryData{Round: 2}),
		step(90*time.Second, oncall.EntryContact, oncall.EntryData{User: "matsu", Method: oncall.Call, Nth: 1}),
	}
	inc := &oncall.Incident{State: oncall.Triggered, Urgency: oncall.High}
	stair, note := NextOf(s, names, inc, DoingOf(s, names, inc, paged("matsu"), &steps[1]), steps)
	var said []string
	for _, line := range stair {
		said = append(said, line.Sentence)
	}
	want := []string{"松さんを呼び出し中", "松さんに電話（2回目）", "竹さんに電話"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("the stair (-want +got):\n%s", diff)
	}
	if !stair[0].Now || note == "" {
		t.Errorf("the first step is now: %v; it says that it goes on: %q", stair[0].Now, note)
	}
}

func TestMoneyIsWrittenAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		lang     string
		micros   int64
		currency string
		want     string
	}{
		{"ja", 24_000_000, "JPY", "24円"},
		{"en", 24_400_000, "JPY", "¥24"},
		{"en", 40_000, "USD", "0.04 USD"},
		{"ja", 0, "JPY", ""},
		{"ja", 5, "", ""},
	} {
		if got := Money(tc.lang, tc.micros, tc.currency); got != tc.want {
			t.Errorf("Money(%s, %d, %s) = %q, want %q", tc.lang, tc.micros, tc.currency, got, tc.want)
		}
	}
}

func TestASummaryCountsWhatItTook(t *testing.T) {
	t.Parallel()
	inc := &oncall.Incident{State: oncall.Resolved, TriggeredAt: evening(), AcknowledgedAt: evening().Add(42 * time.Second), ResolvedAt: evening().Add(9 * time.Minute)}
	got := SummaryOf(inc, []Reached{{Who: "松", Method: oncall.Call}, {Who: "松", Method: oncall.Call}, {Who: "竹", Method: oncall.SMS}, {Method: oncall.Events}}, "36円")
	want := &Summary{ToAcknowledge: 42 * time.Second, ToResolve: 9 * time.Minute, Calls: 2, Messages: 2, People: 2, Cost: "36円"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	inc.AcknowledgedAt = time.Time{}
	if got := SummaryOf(inc, nil, ""); got.ToAcknowledge >= 0 {
		t.Errorf("nobody took it, but the summary says %s", got.ToAcknowledge)
	}
	inc.State = oncall.Acknowledged
	if got := SummaryOf(inc, nil, ""); got != nil {
		t.Errorf("an open incident has the summary %+v", got)
	}
}

// incidentPages are the pages around incidents in their states.
func incidentPages(t *testing.T, lang string) map[string]templ.Component {
	t.Helper()
	s, viewer := reader(t, lang, "responder"), reader(t, lang, "viewer")
	stranger := Shell{Lang: lang, Static: "/static/x", Base: "/ops", Now: evening(), Zone: zone(t, "Asia/Tokyo")}
	names := i18n.Names{Directory: shop(t), Zone: s.Zone}
	in := 3*time.Minute + 12*time.Second
	next := &oncall.Step{At: evening().Add(in), In: in, Entry: oncall.Entry{Kind: oncall.EntryContact, Data: oncall.EntryData{User: "take", Method: oncall.Call}}}
	row := func(n int64, state oncall.State, title string, r *oncall.Response) IncidentRow {
		inc := &oncall.Incident{State: state, AcknowledgedBy: "take", ResolvedAt: evening()}
		out := IncidentRow{
			ID: "inc_" + oncall.IncidentID(number(int(n))), Number: n, Title: title, Service: "決済", State: state, Severity: oncall.Critical,
			Urgency: oncall.High, Since: evening().Add(-8 * time.Minute), Count: n, Doing: DoingOf(s, names, inc, r, next), Group: string(state), Back: "/",
		}
		if state == oncall.Acknowledged {
			out.Holder = names.User(i18n.In(lang), "take")
		}
		return out
	}
	long := strings.Repeat("とても長い件名", 20) + strings.Repeat("/var/lib/postgresql", 10)
	segments := []Tab{{Label: "a", Path: "/?show=mine"}, {Label: "b", Path: "/", Active: true, Count: 2}}
	low := row(3, oncall.Triggered, "遅い", &oncall.Response{Phase: oncall.WaitingForHours, Start: evening().Add(13 * time.Hour)})
	low.Urgency = oncall.Low
	list := IncidentsPage{Segment: "open", Segments: segments, Services: 1, Back: "/", Next: "/?cursor=x", Groups: []IncidentGroup{
		{ID: "triggered", Rows: []IncidentRow{row(1, oncall.Triggered, "決済が応答しません", paged("matsu")), low}},
		{ID: "acknowledged", Rows: []IncidentRow{row(2, oncall.Acknowledged, long, nil)}},
		{ID: "resolved", Rows: []IncidentRow{row(4, oncall.Resolved, "終わった", nil)}},
	}}
	options := []Option{{Value: "", Label: "…"}, {Value: "matsu", Label: "松"}}
	open := IncidentPage{
		Row: list.Groups[0].Rows[0], ServiceID: "checkout", Doing: list.Groups[0].Rows[0].Doing, Lines: LinesOf(s, names, story()), Older: "/incidents/1?before=9",
		Users: options, Policies: options, Stage: "staging", Shadow: true, NextNote: s.T("next.goeson"),
		Next:    []StairStep{{Sentence: "…", Kind: "call", Now: true}, {At: evening().Add(time.Minute), Sentence: "…", Why: "…", Kind: "call"}},
		Alerts:  []AlertView{{Key: "k", Firing: true, Severity: oncall.Critical, Count: 3, First: evening(), Last: evening(), Labels: []Hidden{{Name: "product", Value: "checkout"}}, Notes: []Hidden{{Name: "description", Value: "…"}}}, {Key: "l"}},
		Reached: []Reached{{Who: "松", Method: oncall.Call, At: evening(), Stages: []string{"a", "b"}, Cost: "12円", Live: true}},
	}
	held := open
	held.Row = list.Groups[1].Rows[0]
	held.Doing, held.Wrong, held.Until, held.Note = held.Row.Doing, map[string]string{"until": "…", "text": "…", "reassign": "…"}, "2020-01-01T00:00", "長いメモ"
	for range 8 {
		held.Reached = append(held.Reached, open.Reached[0])
	}
	over := open
	over.Row, over.Next, over.NextNote = list.Groups[2].Rows[0], nil, ""
	over.Summary = &Summary{ToAcknowledge: -1, ToResolve: 90 * time.Second, Calls: 2, People: 1, Cost: "24円"}
	nobody := open
	nobody.Voices = options
	signed := SignedPage{Token: "tok", Row: open.Row, Doing: open.Doing, Next: open.Next, Who: "松", Expires: evening().Add(24 * time.Hour)}
	channel := signed
	channel.Who, channel.Voices, channel.Wrong = "", options[1:], "…"
	mine := signed
	mine.Row, mine.Doing, mine.Mine = held.Row, held.Doing, true
	me := MePage{
		Account: "ume", Role: "responder", Person: true, Zones: options, File: "people.yaml", Line: 12,
		Contacts: []ContactView{{Name: "phone", Method: oncall.Call, Address: "+81 •••• 03", Verified: true}, {Name: "mail", Method: oncall.Email, Address: "m•••@example.jp"}},
		Rules:    []RuleView{{Urgency: oncall.High, Steps: []RuleStep{{Via: []ContactView{{Name: "phone", Method: oncall.Call, Verified: true}}}, {After: 2 * time.Minute, Via: []ContactView{{Name: "mail", Method: oncall.Email}}}}}, {Urgency: oncall.Low, Note: "high"}},
		Shifts:   []ShiftView{{Schedule: "infra", Path: "/schedules/infra", From: evening(), To: evening().Add(time.Hour), Now: true, Override: true}, {Schedule: "office", Path: "/schedules/office", From: evening().Add(24 * time.Hour), To: evening().Add(48 * time.Hour)}},
		Push:     &PushView{Key: "BKEY", Devices: []DeviceView{{ID: "d1", Name: "Safari · iPhone", Since: evening()}, {ID: "d2", Name: "Chrome · Linux", Since: evening(), Used: evening()}}},
	}
	ruleless := me
	ruleless.Rules = []RuleView{{Urgency: oncall.High, Note: "calls"}, {Urgency: oncall.Low, Note: "calls"}}
	flashed := s
	flashed.Flash = &Flash{Kind: "ok", Text: "…", Undo: &Action{Label: s.T("act.undo"), Path: "/incidents/1/reopen", Icon: "undo"}}
	return map[string]templ.Component{
		"list": Incidents(s, list), "list-viewer": Incidents(viewer, list), "list-flash": Incidents(flashed, list),
		"list-empty":      Incidents(s, IncidentsPage{Segment: "open", Segments: segments, Services: 1, Last: evening().Add(-6 * 24 * time.Hour)}),
		"list-never":      Incidents(s, IncidentsPage{Segment: "open", Segments: segments, Services: 1}),
		"list-first":      Incidents(s, IncidentsPage{Segment: "open", Segments: segments}),
		"list-mine-empty": Incidents(s, IncidentsPage{Segment: "mine", Segments: segments, Services: 1}),
		"list-none":       Incidents(s, IncidentsPage{Segment: "all", Segments: segments, Services: 1, Searched: evening(), Next: "/?x", Filter: IncidentFilter{Text: "<b>", State: "resolved"}}),
		"create":          CreateIncident(s, CreatePage{Services: options, Key: "k", Wrong: map[string]string{"title": "…"}}),
		"create-none":     CreateIncident(s, CreatePage{}),
		"incident":        Incident(s, open), "incident-held": Incident(s, held), "incident-over": Incident(s, over),
		"incident-viewer": Incident(viewer, open), "incident-nobody": Incident(s, nobody), "incident-bare": Incident(s, IncidentPage{Row: open.Row}),
		"signed": Signed(stranger, signed), "signed-channel": Signed(stranger, channel), "signed-mine": Signed(stranger, mine),
		"signed-expired": SignedOver(stranger, SignedGone{Expired: true, Code: "link.expired"}), "signed-invalid": SignedOver(stranger, SignedGone{Code: "link.invalid"}),
		"login": Login(stranger, LoginPage{Next: "/me"}), "login-wrong": Login(stranger, LoginPage{Account: "ume", Error: "…"}), "login-first": Login(stranger, LoginPage{Nobody: true}),
		"setup":        Welcome(stranger, WelcomePage{Path: "/setup/x", First: true, People: options[1:], Expires: evening().Add(time.Hour), Wrong: map[string]string{"password": "…"}}),
		"invite":       Welcome(stranger, WelcomePage{Path: "/invite/x", Fixed: "ume", Failure: "…"}),
		"reset":        Welcome(stranger, WelcomePage{Path: "/invite/x", Fixed: "ume", Existing: true}),
		"setup-nobody": Welcome(stranger, WelcomePage{Path: "/setup/x", First: true, Account: "root"}),
		"me":           Me(s, me), "me-ruleless": Me(s, ruleless), "me-nobody": Me(s, MePage{Account: "root", Role: "admin", Wrong: map[string]string{"old": "…"}}),
		"error": Failure(s, ErrorPage{Code: "internal", Text: "…", Retry: "/"}, true), "error-stranger": Failure(stranger, ErrorPage{Code: "page.not_found", Text: "…"}, false),
		"denied": Failure(viewer, ErrorPage{Code: "access.role", Denied: true, Need: "responder"}, true),
	}
}

func TestEveryIncidentPageIsDrawnAsItWas(t *testing.T) {
	t.Parallel()
	drawnAsItWas(t, "incidents", incidentPages)
}

func TestEveryIncidentPageHasEachIdOnceAndNothingThatPointsNowhere(t *testing.T) {
	t.Parallel()
	for name, page := range incidentPages(t, "en") {
		html := htmlOf(t, page)
		idsOnce(t, name, html)
		if strings.Contains(html, "<b>") {
			t.Errorf("%s: what somebody wrote became HTML", name)
		}
	}
}

func TestAViewerIsOfferedNothingToDo(t *testing.T) {
	t.Parallel()
	pages := incidentPages(t, "en")
	for _, name := range []string{"list-viewer", "incident-viewer"} {
		_, main, _ := strings.Cut(htmlOf(t, pages[name]), "<main")
		main, _, _ = strings.Cut(main, "</main>")
		if strings.Contains(main, `method="post"`) {
			t.Errorf("%s has a form that is posted", name)
		}
	}
}
