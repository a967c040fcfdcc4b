package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"toban/internal/testserver"
	"toban/oncall"
)

// interposed does something before the first statement that begins so.
type interposed struct {
	querier
	before string
	do     func() error
}

func (i *interposed) query(ctx context.Context, text string, args []any, scan func(row) error) error {
	if i.do != nil && strings.HasPrefix(strings.TrimSpace(text), i.before) {
		do := i.do
		i.do = nil
		if err := do(); err != nil {
			return err
		}
	}
	return i.querier.query(ctx, text, args, scan)
}

func TestR4_ABatchThatOpensAnIncidentForgetsTheOneBefore(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), testserver.Postgres(t), Options{Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first, err := db.Accept(t.Context(), oneSignal("a"))
	if err != nil {
		t.Fatal(err)
	}
	// The resolve is committed when the batch has looked for it already.
	resolve := func() error {
		return db.Tx(t.Context(), func(tx *Tx) error {
			inc, err := tx.Incident(t.Context(), first[0].Incident)
			if err != nil {
				return err
			}
			inc.Resolve("", tx.Now, "alerts")
			if err := tx.SaveIncidents(t.Context(), []*oncall.Incident{inc}); err != nil {
				return err
			}
			return tx.PutRecent(t.Context(), inc, tx.Now.Add(15*time.Minute))
		})
	}
	proposal := oneSignal("a")
	it, err := newItem(&proposal[0])
	if err != nil {
		t.Fatal(err)
	}
	err = db.Tx(t.Context(), func(tx *Tx) error {
		tx.q = &interposed{querier: tx.q, before: "INSERT INTO incidents", do: resolve}
		b := &batch{tx: tx, nums: &numbers{next: 1000, end: 2000}, items: []*item{it}}
		return b.write(t.Context())
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Read(t.Context(), func(tx *Tx) error {
		var one int
		found, err := tx.one(t.Context(), anyRecent, []any{tx.Now.UnixMilli()}, &one)
		if found {
			t.Error("the group has an open incident and one to reopen, want one of them")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
