package due

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
)

// claim is a claimer that claims everything that is really due and notes it.
func (b *bench) claim(ctx context.Context, ids []oncall.AttemptID) {
	err := b.db.Tx(ctx, func(tx *store.Tx) error {
		rows, err := tx.LockOutbox(ctx, ids)
		if err != nil {
			return err
		}
		var refs []string
		for i := range rows {
			rows[i].State = store.OutboxClaimed
			refs = append(refs, string(rows[i].ID))
		}
		if err := tx.SaveOutbox(ctx, rows...); err != nil {
			return err
		}
		return b.note(ctx, tx, refs)
	})
	if err != nil {
		b.Error(err)
	}
}

// send writes outbox rows of an incident, due after as long as they say.
func (b *bench) send(waits map[string]time.Duration) {
	b.Helper()
	inc := &oncall.Incident{
		ID: "inc_1", Service: "shop", GroupKey: "g", State: oncall.Triggered, Severity: oncall.Critical,
		Urgency: oncall.High, Stage: "production", Epoch: 1, TriggeredAt: time.Now(),
	}
	err := b.db.Tx(b.Context(), func(tx *store.Tx) error {
		if err := tx.InsertIncidents(b.Context(), []*oncall.Incident{inc}); err != nil {
			return err
		}
		for id, in := range waits {
			err := tx.AddOutbox(b.Context(), store.OutboxRow{
				ID: oncall.AttemptID(id), Incident: inc.ID, Epoch: 1, Kind: oncall.Call, State: store.OutboxDue, DueAt: tx.Now.Add(in),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func TestOutboxRowsAreGivenToTheClaimerWhenTheyAreDue(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.HandleOutbox(b.claim)
		b.run()
		b.send(map[string]time.Duration{"now": 0, "soon": time.Second, "far": time.Hour})
		b.want(b.after(2*time.Hour), "now@0s", "soon@1s", "far@1h0m0s")
	})
}

func TestOutboxRowsOfAnEarlierLifeAreGivenToTheClaimer(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.send(map[string]time.Duration{"old": 0})
		b.close()
		time.Sleep(time.Minute)
		b.open()
		b.q.HandleOutbox(b.claim)
		b.run()
		b.want(b.after(time.Second), "old@0s")
	})
}

func TestAClaimerThatPanicsIsAskedAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.HandleOutbox(func(ctx context.Context, ids []oncall.AttemptID) {
			if slices.Contains(ids, "bad") && time.Since(b.start) < 2*time.Second {
				panic("no")
			}
			b.claim(ctx, ids)
		})
		b.run()
		b.send(map[string]time.Duration{"a": time.Second, "bad": time.Second, "c": time.Second})
		got := b.after(1500 * time.Millisecond)
		slices.Sort(got)
		b.want(got, "a@1.1s", "c@1.1s")
		if got := b.after(time.Hour); len(got) != 1 {
			b.Errorf("fired %v, want the bad one once", got)
		}
	})
}

func TestWhatIsNotClaimedIsOfferedAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		offers := 0
		b.q.HandleOutbox(func(ctx context.Context, ids []oncall.AttemptID) {
			if offers++; offers < 3 {
				return // such as: the provider takes no more now
			}
			b.claim(ctx, ids)
		})
		b.run()
		b.send(map[string]time.Duration{"a": 0})
		if got := b.after(11 * time.Second); len(got) != 1 || offers != 3 {
			b.Errorf("fired %v after %d offers, want one claim at the third", got, offers)
		}
	})
}

func TestManyOutboxRowsAreGivenInBatches(t *testing.T) {
	inBubble(t, func(b *bench) {
		var sizes []int
		b.q.HandleOutbox(func(ctx context.Context, ids []oncall.AttemptID) {
			b.mu.Lock()
			sizes = append(sizes, len(ids))
			b.mu.Unlock()
			b.claim(ctx, ids)
		})
		waits := map[string]time.Duration{}
		for i := range 3*outboxBatch + 1 {
			waits[fmt.Sprint(i)] = 0
		}
		b.send(waits)
		b.run()
		if got, want := len(b.after(time.Second)), len(waits); got != want {
			b.Errorf("claimed %d, want %d", got, want)
		}
		if len(sizes) != 4 || slices.Max(sizes) != outboxBatch {
			b.Errorf("batches of %v, want 4 of at most %d", sizes, outboxBatch)
		}
	})
}
