package heartbeat

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/fstest"

	"toban/alert"
	"toban/config"
	"toban/incident"
	"toban/internal/due"
	"toban/oncall"
	"toban/respond"
	"toban/store"
	"toban/store/storetest"
)

const liveFolder = `
toban: { zone: Asia/Tokyo }
users: { ann: { contacts: { phone: { call: "+819000000001" } } } }
policies: { p: { levels: { targets: { user: ann } }, fallback: { user: ann } } }
services: { shop: { policy: p, match: { monitor: nightly } }, rest: { policy: p, catch_all: true } }
`

func configure(b *bench, yaml string) {
	b.Helper()
	c, problems := config.LoadFS(fstest.MapFS{"toban.yaml": {Data: []byte(yaml)}})
	if c == nil {
		b.Fatal(problems)
	}
	err := b.db.Tx(b.Context(), func(tx *store.Tx) error {
		_, _, err := config.Apply(b.Context(), tx, c.Objects())
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// From the words in a file to an incident of the service, and back.
func TestAFailedJobOpensAnIncidentOfItsServiceAndItsNextRunResolvesIt(t *testing.T) {
	onEach(t, func(b *bench) {
		b.db = storetest.Open(b, b.dsn, store.Options{})
		log := slog.New(slog.DiscardHandler)
		acceptor := alert.New(b.db, incident.New(b.db, respond.New(b.db, log, respond.Options{}), log), log)
		b.l = New(Options{DB: b.db, Accept: acceptor.Accept, Key: installationKey, Log: log})
		b.q = due.New(b.db, log)
		b.l.Register(b.q)
		address := b.l.Addresses().SlugPath("nightly")
		if got := b.ask("GET "+address, "").StatusCode; got != http.StatusServiceUnavailable {
			b.Errorf("before it knows its heartbeats: got %d, want 503 and no 404", got)
		}
		configure(b, liveFolder+`monitors: { nightly: { name: 夜間バックアップ, heartbeat: { cron: "0 3 * * *" }, severity: warning } }`)
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 2)
		go func() { done <- b.l.Run(ctx) }()
		go func() { done <- b.q.Run(ctx) }()
		defer func() {
			cancel()
			for range 2 {
				if err := <-done; err != nil {
					b.Error(err)
				}
			}
		}()
		b.until("it listens", func() bool { return b.ask("GET "+address, "").StatusCode == http.StatusOK })
		open := func() (list []oncall.Incident) {
			err := b.db.Read(b.Context(), func(tx *store.Tx) (err error) {
				list, err = tx.ListIncidents(b.Context(), store.IncidentFilter{})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			return list
		}
		if got := b.ask("POST "+address+"/2", "no space left\n").StatusCode; got != http.StatusOK {
			b.Fatal(got)
		}
		b.until("an incident is open", func() bool { return len(open()) == 1 })
		if got := open()[0]; got.Service != "shop" || got.Title != "夜間バックアップ: failed with exit status 2" || got.Severity != oncall.Warning {
			b.Errorf("got %+v", got)
		}
		b.l.mu.Lock()
		zone := b.l.words.Zone.String()
		b.l.mu.Unlock()
		if zone != "Asia/Tokyo" {
			b.Errorf("times are told in %s, want the installation's zone", zone)
		}
		if got := b.ask("GET "+address, "").StatusCode; got != http.StatusOK {
			b.Fatal(got)
		}
		b.until("its alert has cleared", func() bool {
			var alerts []oncall.Alert
			id := open()[0].ID
			err := b.db.Read(b.Context(), func(tx *store.Tx) (err error) {
				alerts, err = tx.Alerts(b.Context(), id, 10)
				return err
			})
			return err == nil && len(alerts) == 1 && alerts[0].State == oncall.Cleared
		})
		configure(b, liveFolder)
		b.until("it is gone", func() bool { return b.ask("GET "+address, "").StatusCode == http.StatusNotFound })
	})
}
