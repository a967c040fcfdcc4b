package bench

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
)

func TestAPageNamesWhatABrowserLoads(t *testing.T) {
	t.Parallel()
	page := `<html><head><link rel="manifest" href="/manifest.webmanifest"/><link rel="icon" href="/static/1/mark.svg"/>` +
		`<link rel="apple-touch-icon" href="/static/1/big.png"/><link rel="stylesheet" href="/static/1/css/app.css?a=1&amp;b=2"/>` +
		`<script type="module" src="/static/1/js/app.js"></script></head>` +
		`<body><a href="https://example.jp/">a link loads nothing</a><img alt="" src="data:image/png;base64,AA"/><svg><use href="#mark"></use></svg>` +
		`<div id="keys"></div><div data-module="push"></div></body></html>`
	for _, tc := range []struct {
		at, text string
		want     []string
	}{
		{"/", page, []string{"/manifest.webmanifest", "/static/1/mark.svg", "/static/1/css/app.css?a=1&b=2", "/static/1/js/app.js"}},
		{
			"/static/1/js/app.js",
			`import { a } from "./time.js"; import "./words.js"; if (x) import("./keys.js"); import("./palette.js"); import(` + "`./${el.dataset.module}.js`" + `)`,
			[]string{"/static/1/js/time.js", "/static/1/js/words.js", "/static/1/js/push.js", "/static/1/js/keys.js"},
		},
		{"/static/1/css/app.css", `@import "more.css"; a { background: url("../a.svg") } b { background: url(data:x) }`, []string{"/static/1/css/more.css", "/static/1/a.svg"}},
		{"/static/1/a.svg", `<svg/>`, nil},
	} {
		got, err := named(tc.at, tc.text, page)
		if err != nil {
			t.Errorf("%s: %v", tc.at, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.at, diff)
		}
	}
}

func TestWhatIsOnAnotherHostIsNoWeightButAnError(t *testing.T) {
	t.Parallel()
	for at, text := range map[string]string{
		"/":       `<script src="//cdn.example.jp/x.js"></script>`,
		"/x.css":  `@import "https://fonts.example.jp/x.css";`,
		"/x.js":   `import x from "https://cdn.example.jp/x.js";`,
		"/page":   `<img alt="" src="http://example.jp/a.png">`,
		"/secure": `<link rel="stylesheet" href="https://toban/a.css">`, // another scheme is another place
	} {
		if got, err := named(at, text, ""); err == nil || !strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("%s: got %v %v, want an error", at, got, err)
		}
	}
}

func TestARowIsSeenInTheStateThatIsLookedFor(t *testing.T) {
	t.Parallel()
	row := func(id, state string) string {
		return `<li class="inc inc-` + state + `" id="inc-` + id + `" data-row>…</li>`
	}
	b := &board{state: map[oncall.IncidentID]string{}}
	b.expect("inc_2", "acknowledged")
	s := &stream{board: b, seen: map[oncall.IncidentID]time.Time{}}
	first, later := time.UnixMilli(1000), time.UnixMilli(2000)
	s.note([]byte("data: <ul>"+row("inc_1", "triggered")+row("inc_2", "triggered")+"</ul>\n"), first)
	s.note([]byte("data: "+row("inc_2", "acknowledged")+row("inc_1", "triggered")+"\n"), later)
	if diff := cmp.Diff(map[oncall.IncidentID]time.Time{"inc_1": first, "inc_2": later}, s.seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	late, all := delays([]*stream{s}, []change{{"inc_1", time.UnixMilli(1100)}, {"inc_2", time.UnixMilli(1500)}})
	if want := []time.Duration{0, 500 * time.Millisecond}; !all || !slices.Equal(late, want) {
		t.Errorf("delays: got %v %v, want %v", late, all, want)
	}
	if _, all := delays([]*stream{s}, []change{{"inc_3", later}}); all {
		t.Error("a row that never came counts as one that did")
	}
}

func TestTheYearIsInTheOrderOfItsTimesAndOver(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 3, 2, 0, 0, time.UTC)
	p := &past{from: now.Add(-pastFor), until: now.Add(-time.Hour)}
	var last *oncall.Incident
	lines := map[int]bool{}
	for i := range 500 {
		inc := p.resolved(i, 500)
		if inc.ResolvedAt.After(now) || inc.State != oncall.Resolved {
			t.Errorf("%d: it is not over at %s", i, now)
		}
		if last != nil && (!inc.TriggeredAt.After(last.TriggeredAt) || inc.ID <= last.ID) {
			t.Errorf("%d: %s %s is not after %s %s", i, inc.ID, inc.TriggeredAt, last.ID, last.TriggeredAt)
		}
		last = inc
		lines[len(story(inc))] = true
	}
	if diff := cmp.Diff(map[int]bool{3: true, 4: true, 5: true, 6: true}, lines); diff != "" {
		t.Errorf("lines of a timeline (-want +got):\n%s", diff)
	}
}
