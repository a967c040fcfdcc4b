package slack_test

import (
	"testing"
	"time"

	"toban/oncall"
)

func TestR24_EveryDeliveryOfAFoldedMessageIsRecorded(t *testing.T) {
	inHouse(t, func(h *house) {
		ids := h.storm(12, 100*time.Millisecond)
		h.after(30 * time.Second)
		if got := len(h.direct("U0MATSU")); got >= len(ids) {
			t.Fatalf("%d messages for %d incidents, want some to be folded", got, len(ids))
		}
		for _, id := range ids {
			sent := 0
			h.nodes[0].entriesOf(h, id, func(e oncall.Entry) {
				if e.Kind == oncall.EntryOutcome && e.Data.Method == oncall.Slack && e.Data.Outcome == oncall.Sent {
					sent++
				}
			})
			if sent == 0 {
				t.Errorf("%s: the timeline does not say that its message was sent", id)
			}
		}
	}, func(s *setup) { s.channel = "" })
}
