package archtest

import "strings"

// module is the path of this module, with the slash that own imports have.
const module = "toban/"

// story is the order of the product. A package of it may import only those
// after it; talk against the stream goes through an interface declared by the
// talker and connected in app.
var story = []string{"detect", "alert", "incident", "respond", "notify", "report"}

// below is what every package of the story may stand on.
var below = []string{"oncall", "asl", "store", "internal", "i18n"}

// rooms are the top-level folders, each with the other rooms it may import. Its
// own packages may always import each other.
var rooms = map[string][]string{
	"oncall": {},
	"asl":    {},
	"sim":    {}, // a simulator that knew toban would agree with its mistakes

	"i18n":     {"oncall", "internal"},
	"store":    {"oncall", "internal"},
	"internal": {"oncall", "store"},

	"access": below, // who may do what
	"docs":   {},    // the pages that the program carries

	"detect":   from("alert"),
	"alert":    from("incident"),
	"incident": from("respond"),
	"respond":  from("notify"),
	"notify":   from("report"),
	"report":   below,

	"config":  append(from("detect"), "gateway", "access"),
	"gateway": append(from("detect"), "config"),
	"aws":     append(from("detect"), "config"),
	"api":     append(from("detect"), "config", "gateway", "access", "docs"),
	"web":     append(from("detect"), "config", "gateway", "access"),

	"app":  append(from("detect"), "config", "gateway", "access", "aws", "api", "web", "sim"),
	"demo": {"oncall", "i18n", "internal", "config", "sim", "api", "web"}, // its toban is a child process, asked by the API
	"cli":  append(from("detect"), "config", "gateway", "access", "aws", "api", "web", "sim", "app", "demo"),
	"cmd":  {"cli", "detect"},
	"e2e":  append(from("detect"), "config", "gateway", "access", "aws", "api", "web", "sim", "app", "demo", "cli"),
}

// from is below and the story from a place on.
func from(first string) []string {
	for i, room := range story {
		if room == first {
			return append(append([]string{}, below...), story[i:]...)
		}
	}
	return below
}

// home names the only packages that may import a library, and whether that
// holds for their tests too.
var home = []struct {
	library string
	homes   []string
	tests   bool
}{
	{"github.com/prometheus/prometheus", []string{"detect/metrics", "e2e"}, true}, // 7–8 s for each test binary that links it
	{"github.com/prometheus/alertmanager", []string{"alert/alertmanager"}, true},
	{"github.com/prometheus/client_golang", []string{"internal/metric", "detect/metrics"}, false},

	{"modernc.org/sqlite", []string{"store"}, false},
	{"github.com/jackc/pgx", []string{"store", "internal/testserver"}, false},
	{"github.com/pressly/goose", []string{"store"}, false},

	{"github.com/danielgtaylor/huma", []string{"api", "gateway", "aws", "app"}, false},
	{"github.com/go-chi/chi", []string{"api", "web", "gateway", "aws", "app"}, false},
	{"github.com/spf13/cobra", []string{"cli"}, false},
	{"github.com/goccy/go-yaml", []string{"config", "detect/probe/tree", "internal/yamltoken"}, false},
	{"github.com/itchyny/gojq", []string{"internal/jq"}, false},
	{"github.com/twilio/twilio-go", []string{"notify/twilio"}, false},
	{"github.com/slack-go/slack", []string{"notify/slack"}, false},
	{"github.com/SherClockHolmes/webpush-go", []string{"notify/push"}, false},
	{"github.com/a-h/templ", []string{"web", "demo"}, false},
	{"github.com/alexedwards/argon2id", []string{"access"}, false},
	{"github.com/swaggest/swgui", []string{"api"}, false},
	{"github.com/skip2/go-qrcode", []string{"demo"}, false},
	{"github.com/chromedp", []string{"e2e"}, true},

	// For tests and what only tests are made of.
	{"github.com/PagerDuty/go-pagerduty", testOnly, false},
	{"github.com/google/go-cmp", testOnly, false},
	{"github.com/rogpeppe/go-internal", testOnly, false},
	{"go.uber.org/goleak", testOnly, false},
	{"pgregory.net/rapid", testOnly, false},
	{"testing", testOnly, false},
}

// testOnly is where packages live that no binary links, beside those whose name
// ends in "test", as in store/storetest.
var testOnly = []string{"e2e"}

// forbidden says why the package pkg (without the module's path) must not
// import imp, or "". With test, the import stands in a _test.go file; those and
// packages made for tests may put any rooms together.
func forbidden(pkg, imp string, test bool) string {
	test = test || strings.HasSuffix(pkg, "test")
	for _, h := range home {
		if within(imp, h.library) && !within(pkg, h.homes...) && (h.tests || !test) {
			return h.library + " lives in " + strings.Join(h.homes, ", ")
		}
	}
	if test {
		return ""
	}
	at := room(pkg)
	own, isOwn := strings.CutPrefix(imp, module)
	if within(at, "oncall", "asl") {
		switch {
		case isOwn && room(own) != at, !isOwn && strings.Contains(imp, "."):
			return at + " stands on the standard library alone"
		case within(imp, "database", "net", "os", "context", "log"):
			return at + " is pure: it is given what it needs and returns what happened"
		}
	}
	if !isOwn {
		return ""
	}
	may, known := rooms[at]
	switch {
	case !known:
		return at + " is no room of the design"
	case room(own) == at, within(own, may...):
		return ""
	case within(at, story...) && within(own, story...):
		return "the story runs the other way; declare an interface here and let app connect it"
	}
	return at + " may import " + strings.Join(may, ", ") + " only"
}

// room is the top-level folder of a package.
func room(pkg string) string {
	first, _, _ := strings.Cut(pkg, "/")
	return first
}

// within reports whether path is one of roots or below one.
func within(path string, roots ...string) bool {
	for _, r := range roots {
		if path == r || strings.HasPrefix(path, r+"/") {
			return true
		}
	}
	return false
}
