package incident

import (
	"context"

	"toban/oncall"
	"toban/store"
)

// AcknowledgeIn is Acknowledge of an incident that tx holds, for what has to be
// committed together with what its sender said.
func (l *Lifecycle) AcknowledgeIn(ctx context.Context, tx *store.Tx, inc *oncall.Incident, by oncall.UserID, via string) error {
	return l.acknowledge(ctx, tx, inc, by, via, "")
}
