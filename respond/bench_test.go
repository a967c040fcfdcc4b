package respond_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"toban/oncall"
	"toban/respond"
	"toban/respond/respondtest"
	"toban/store"
	"toban/store/storetest"
)

// BenchmarkSteps takes first steps of 64 responses in each transaction, as the
// queue does; an operation is one step.
func BenchmarkSteps(b *testing.B) {
	for _, engine := range storetest.Engines() {
		b.Run(engine, func(b *testing.B) {
			db := storetest.New(b, engine)
			respondtest.Move(b, db, respondtest.Config{})
			d := respond.New(db, slog.New(slog.DiscardHandler), respond.Options{})
			var dir *oncall.Directory
			if err := db.Read(b.Context(), func(tx *store.Tx) (err error) { dir, err = tx.Directory(b.Context()); return err }); err != nil {
				b.Fatal(err)
			}
			refs := make([]string, b.N)
			for from := 0; from < b.N; from += 256 {
				var batch []store.Acceptance
				for i := from; i < min(from+256, b.N); i++ {
					batch = append(batch, respond.Opening(dir, dir.Service("shop"), oncall.Signal{Key: fmt.Sprint(i), Severity: oncall.Critical, Title: "x"}, "", "", time.Now()))
				}
				got, err := db.Accept(b.Context(), batch)
				if err != nil {
					b.Fatal(err)
				}
				for i, a := range got {
					refs[from+i] = string(a.Incident)
				}
			}
			b.ResetTimer()
			for from := 0; from < b.N; from += 64 {
				if err := db.Tx(b.Context(), func(tx *store.Tx) error {
					return d.Due(b.Context(), tx, refs[from:min(from+64, b.N)])
				}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
