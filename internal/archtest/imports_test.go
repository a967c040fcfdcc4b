package archtest

import (
	"strings"
	"testing"
)

func TestForbiddenImportsAreNamed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, pkg, imp string
		test           bool
		want           string // part of the reason; "" for allowed
	}{
		{"the centre may use the standard library", "oncall", "time", false, ""},
		{"the centre knows nothing of toban", "oncall", "toban/internal/id", false, "standard library alone"},
		{"the centre has no libraries", "oncall", "golang.org/x/sync/errgroup", false, "standard library alone"},
		{"the centre has no network", "oncall", "net/netip", false, "pure"},
		{"the centre has no context", "oncall", "context", false, "pure"},
		{"the centre has no log", "oncall", "log/slog", false, "pure"},
		{"asl is as pure as the centre", "asl/jsonpath", "database/sql", false, "pure"},
		{"asl may have rooms of its own", "asl", "toban/asl/jsonpath", false, ""},
		{"tests of the centre may use rapid", "oncall", "pgregory.net/rapid", true, ""},
		{"the story runs forward", "alert", "toban/incident", false, ""},
		{"the story does not run back", "notify", "toban/incident", false, "story runs the other way"},
		{"a part of a stage may use the stage", "alert/intake", "toban/alert", false, ""},
		{"the story does not know its edges", "respond", "toban/api", false, "respond may import"},
		{"tests may put any rooms together", "notify/twilio", "toban/sim/twilio", true, ""},
		{"nothing of the story links a simulator", "notify/twilio", "toban/sim/twilio", false, "notify may import"},
		{"a simulator knows no toban", "sim/twilio", "toban/oncall", false, "sim may import"},
		{"a simulator knows no small tools of toban", "sim/twilio", "toban/internal/id", false, "sim may import"},
		{"a simulator may use another", "sim/demo", "toban/sim/twilio", false, ""},
		{"store stands below the story", "store", "toban/alert", false, "store may import"},
		{"small tools stand below the story", "internal/due", "toban/respond", false, "internal may import"},
		{"app connects everything", "app", "toban/sim/twilio", false, ""},
		{"nothing imports cli but main", "app", "toban/cli", false, "app may import"},
		{"main imports cli", "cmd/toban", "toban/cli", false, ""},
		{"sqlite lives in store", "alert", "modernc.org/sqlite", false, "lives in store"},
		{"sqlite in store", "store", "modernc.org/sqlite", false, ""},
		{"pgx lives in store", "internal/due", "github.com/jackc/pgx/v5", false, "lives in store"},
		{"goose lives in store", "app", "github.com/pressly/goose/v3", false, "lives in store"},
		{"huma is not for pages", "web", "github.com/danielgtaylor/huma/v2", false, "lives in api"},
		{"chi is for pages too", "web", "github.com/go-chi/chi/v5", false, ""},
		{"cobra lives in cli", "app", "github.com/spf13/cobra", false, "lives in cli"},
		{"YAML lives in config", "cli", "github.com/goccy/go-yaml", false, "lives in config"},
		{"jq lives in a package of its own", "gateway", "github.com/itchyny/gojq", false, "lives in internal/jq"},
		{"twilio-go lives in its channel", "respond", "github.com/twilio/twilio-go/client", false, "lives in notify/twilio"},
		{"twilio-go is the simulator's client in its tests", "sim/twilio", "github.com/twilio/twilio-go/client", true, ""},
		{"PagerDuty's client is for tests", "notify/pagerduty", "github.com/PagerDuty/go-pagerduty", false, "lives in e2e"},
		{"PagerDuty's client in tests", "notify/pagerduty", "github.com/PagerDuty/go-pagerduty", true, ""},
		{"no binary links testing", "internal/testserver", "testing", false, "lives in e2e"},
		{"a package made for tests is a test", "respond/respondtest", "testing", false, ""},
		{"tests don't link Prometheus either", "alert", "github.com/prometheus/prometheus/tsdb", true, "lives in detect/metrics"},
		{"a longer name is another library", "alert", "modernc.org/sqlite3", false, ""},
		{"a room must be in the design", "helpdesk", "toban/oncall", false, "no room of the design"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := forbidden(tc.pkg, tc.imp, tc.test)
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("forbidden(%q, %q, %v): got %q, want %q in it", tc.pkg, tc.imp, tc.test, got, tc.want)
			}
		})
	}
}
