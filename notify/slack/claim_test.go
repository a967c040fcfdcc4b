package slack_test

import (
	"testing"
	"time"

	"toban/oncall"
	sim "toban/sim/slack"
	"toban/store"
)

func TestAChatIsGivenBackWhenItsIncidentMovedMeanwhile(t *testing.T) {
	inHouse(t, func(h *house) {
		h.slack.Fault(sim.Slow("chat.postMessage", 500*time.Millisecond))
		id := h.trigger("a")
		h.after(100 * time.Millisecond) // the post is under way
		// A change that Slack does not show, and that nobody is woken for.
		h.must(h.nodes[0].db.Tx(h.Context(), func(tx *store.Tx) error {
			inc, err := tx.Incident(h.Context(), id)
			if err != nil {
				return err
			}
			return tx.SaveIncidents(h.Context(), []*oncall.Incident{inc})
		}))
		h.after(5 * time.Second)
		var c store.Chat
		h.nodes[0].read(h, func(tx *store.Tx) (err error) {
			c, err = tx.Chat(h.Context(), string(id))
			return err
		})
		if c.Version == 0 || c.ClaimedBy != "" {
			t.Errorf("the chat is version %d and claimed by %q, want it given back", c.Version, c.ClaimedBy)
		}
	})
}
