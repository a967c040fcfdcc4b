package incident

import (
	"context"
	"fmt"
	"strings"

	"toban/oncall"
	"toban/store"
)

// maxNote is how long a note may be, in bytes.
const maxNote = 8 << 10

// Note writes a line on the timeline. While somebody has the incident it renews
// the acknowledgement: whoever writes is still on it (R16).
func (l *Lifecycle) Note(ctx context.Context, id oncall.IncidentID, text string, by oncall.UserID, via string) (*oncall.Incident, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxNote {
		return nil, invalid("/text", "note.length", fmt.Sprintf("a note has 1 to %d bytes", maxNote))
	}
	return l.on(ctx, id, func(tx *store.Tx, inc *oncall.Incident) error {
		said := oncall.Entry{Incident: inc.ID, At: tx.Now, Kind: oncall.EntryNote, Actor: string(by), Data: oncall.EntryData{Text: text, Via: via}}
		if inc.State != oncall.Acknowledged {
			return say(ctx, tx, inc, said)
		}
		hold, err := l.response.Hold(ctx, tx, inc)
		if err != nil {
			return err
		}
		return l.response.Take(ctx, tx, inc, oncall.Input{Kind: oncall.InRenewed, By: by, Until: tx.Now.Add(hold)}, said)
	})
}
