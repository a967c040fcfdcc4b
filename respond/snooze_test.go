package respond_test

import (
	"testing"
	"time"

	"toban/oncall"
	"toban/respond"
	"toban/respond/respondtest"
	"toban/store"
)

// say gives an incident that somebody has a snooze or a renewal.
func say(t *testing.T, h *respondtest.House, id oncall.IncidentID, kind oncall.InputKind, hold time.Duration) {
	t.Helper()
	err := h.DB.Tx(t.Context(), func(tx *store.Tx) error {
		inc, err := tx.Incident(t.Context(), id)
		if err != nil {
			return err
		}
		until := tx.Now.Add(hold)
		said := inc.Renew("ben", tx.Now, until)
		if kind == oncall.InSnoozed {
			said = inc.Snooze("ben", tx.Now, until)
		}
		return h.Driver.Take(t.Context(), tx, inc, oncall.Input{Kind: kind, By: "ben", Until: until}, said...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestR16_ABrokenMachineKeepsTheEndOfASnooze(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		begin func(t *testing.T, h *respondtest.House, m *faulty, id oncall.IncidentID)
	}{
		{"that it had heard of", func(t *testing.T, h *respondtest.House, m *faulty, id oncall.IncidentID) {
			say(t, h, id, oncall.InSnoozed, 4*time.Minute)
			m.on.Store(true)
			say(t, h, id, oncall.InRenewed, time.Minute) // the first step that fails
		}},
		{"that it never heard of", func(t *testing.T, h *respondtest.House, m *faulty, id oncall.IncidentID) {
			m.on.Store(true)
			say(t, h, id, oncall.InSnoozed, 4*time.Minute)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			policy := respondtest.Small()
			policy.AcknowledgementTimeout = time.Minute
			each(t, func(t *testing.T, dsn string) {
				m := &faulty{}
				c := respondtest.Config{Policy: policy, Script: never, Options: respond.WithMachine(m.advance)}
				live(t, dsn, c, func(t *testing.T, h *respondtest.House) {
					id := h.Open("down", oncall.Critical)
					after(time.Second)
					tc.begin(t, h, m, id)
					after(3*time.Minute + 50*time.Second)
					if got := h.Incident(id).State; got != oncall.Acknowledged {
						t.Errorf("state before the end = %s, want acknowledged: it is snoozed for four minutes", got)
					}
					after(20 * time.Second)
					if got := h.Incident(id).State; got != oncall.Triggered {
						t.Errorf("state after the end = %s, want triggered", got)
					}
				})
			})
		})
	}
}
