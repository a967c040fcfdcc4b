package edit_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"toban/access"
	"toban/config"
	"toban/config/edit"
	"toban/internal/promcheck"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// judge says of each expression with "== ==" that it is wrong there.
func judge(_ context.Context, list []string) (all []promcheck.Fault, err error) {
	for i, text := range list {
		if at := strings.Index(text, "== =="); at >= 0 {
			all = append(all, promcheck.Fault{Index: i, Line: 1, Column: at + 4, Message: "unexpected <op:==>"})
		}
	}
	return all, nil
}

func TestAMonitorThatIsNoPromQLIsRefusedWithFieldLineAndColumn(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	setup(t, db)
	faults := judge
	e := edit.New(edit.Options{
		DB: db, Log: slog.New(slog.DiscardHandler), Accepts: func(*oncall.Directory, config.Providers) error { return nil },
		Faults: func(ctx context.Context, list []string) ([]promcheck.Fault, error) { return faults(ctx, list) },
	})
	refused := func(err error, code, field string, says ...string) {
		t.Helper()
		e, ok := errors.AsType[*oncall.Error](err)
		if !ok || e.Code != code || e.Field != field {
			t.Errorf("got %v, want %s at %s", err, code, field)
			return
		}
		for _, text := range says {
			if !strings.Contains(e.Message, text) {
				t.Errorf("got %s, want %q in it", e.Message, text)
			}
		}
	}
	_, err := e.PutMonitor(as(t, access.Manager), "disk", []byte("every: 1m\npromql: up == == 1"))
	refused(err, "monitor.invalid", "/promql", "line 1, column 7 of the expression: unexpected <op:==>")
	if _, err := e.PutMonitor(as(t, access.Manager), "disk", []byte("promql: up == 1")); err != nil {
		t.Fatal(err)
	}
	mixed := objects(t, folder+"monitors:\n  good: { promql: up == 0 }\n  bad: { promql: up == == 1 }\n")
	_, err = e.Apply(as(t, access.Admin), mixed)
	at := -1
	for i, o := range mixed {
		if o.Name == "bad" {
			at = i
		}
	}
	refused(err, "monitor.invalid", "/objects/"+strconv.Itoa(at)+"/body/promql", "shop.yaml:", "monitor bad", "line 1, column 7")
	if _, err := e.Apply(t.Context(), mixed); err != nil {
		t.Errorf("got %v at a start of toban itself, want nobody kept from being paged", err)
	}
	faults = func(context.Context, []string) ([]promcheck.Fault, error) { return nil, errors.New("no such program") }
	_, err = e.PutMonitor(as(t, access.Manager), "disk", []byte("promql: up == 1"))
	refused(err, "metrics.down", "")
}

func TestAConditionThatNothingWouldEvaluateIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	setup(t, db)
	e := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler), Faults: judge, Accepts: func(*oncall.Directory, config.Providers) error { return nil }})
	if _, err := e.PutMonitor(as(t, access.Manager), "disk", []byte("promql: up == 0")); err != nil {
		t.Fatal(err)
	}
	elsewhere := objects(t, folder+"metrics: { url: https://prom.example.jp }\n")
	if _, err := e.Apply(as(t, access.Admin), elsewhere); code(err) != "configuration.invalid" || !strings.Contains(err.Error(), "monitor disk") {
		t.Errorf("got %v, want that a monitor made on a page would go blind", err)
	}
	if _, err := e.PutMonitor(as(t, access.Manager), "disk", []byte("promql: up == 0\npaused: true")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Apply(as(t, access.Admin), elsewhere); err != nil {
		t.Fatal(err)
	}
	if _, err := e.PutMonitor(as(t, access.Manager), "disk", []byte("promql: up == 0")); code(err) != "monitor.invalid" || !strings.Contains(err.Error(), "metrics.url") {
		t.Errorf("got %v, want why nothing would evaluate it", err)
	}
	var all []*oncall.Monitor
	if err := db.Read(t.Context(), func(tx *store.Tx) (err error) { all, _, err = tx.Monitors(t.Context()); return err }); err != nil || len(all) != 1 || !all[0].Paused {
		t.Errorf("got %v %v", all, err)
	}
}
