// Package shadow is a channel that reaches nobody (R27). What would have been
// sent is on the timeline; a call then rings for as long as it would have and is
// not answered, so that one sees what would have followed.
package shadow

import (
	"context"

	"toban/notify"
	"toban/oncall"
	"toban/store"
)

// Channel records instead of sending. The zero value works.
type Channel struct{}

// Provider implements notify.Channel. A shadow bears anything and costs nothing.
func (Channel) Provider() notify.Provider { return notify.Provider{Name: "shadow"} }

// Send takes every message and passes it on to nobody.
func (Channel) Send(_ context.Context, m notify.Message) (notify.Receipt, error) {
	r := notify.Receipt{ProviderID: string(m.Delivery), State: store.DeliverySent}
	if m.Method != oncall.Call {
		r.Outcome = oncall.Sent
		return r, nil
	}
	r.Lasts = m.Ring
	return r, nil
}
