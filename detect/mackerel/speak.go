package mackerel

import (
	"context"
	"time"

	"toban/detect/saying"
	"toban/detect/voice"
	"toban/oncall"
	"toban/store"
)

// storeWithin bounds one transaction.
const storeWithin = 10 * time.Second

// speak takes over the language of the installation.
func (m *Metrics) speak(dir *oncall.Directory) {
	m.mu.Lock()
	m.words = saying.Of(dir.Settings)
	m.mu.Unlock()
}

func (m *Metrics) talk(ctx context.Context) { m.voice.Run(ctx, m.log) }

// spoken is how metrics keep what they owe the alert stage.
func (m *Metrics) spoken() voice.Rows[string, *store.MetricState] {
	return voice.Rows[string, *store.MetricState]{
		Name: "service metrics",
		Lock: func(ctx context.Context, tx *store.Tx, ids []string) (map[string]*store.MetricState, error) {
			return tx.LockMetricStates(ctx, ids)
		},
		Line: func(row *store.MetricState) voice.Line {
			return voice.Line{Voice: &row.Voice, Speaker: &row.Speaker, Until: &row.SpeaksUntil}
		},
		Claim: func(ctx context.Context, tx *store.Tx, rows []*store.MetricState) error {
			return tx.SaveMetricStates(ctx, rows...)
		},
		Settle: func(ctx context.Context, tx *store.Tx, rows map[string]*store.MetricState) error {
			c := m.change(tx.Now)
			for _, row := range rows {
				c.save(row, m.entry(row.Monitor))
			}
			return c.commit(ctx, tx)
		},
	}
}
