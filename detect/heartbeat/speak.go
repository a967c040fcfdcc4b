package heartbeat

import (
	"context"
	"sync"

	"toban/detect/saying"
	"toban/detect/voice"
	"toban/oncall"
	"toban/store"
)

// Run hands on what is to be said, and follows the configuration, until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	var following sync.WaitGroup
	following.Go(func() { l.follower.Run(ctx, l.log) })
	defer following.Wait()
	l.talk(ctx)
	return nil
}

func (l *Listener) talk(ctx context.Context) { l.voice.Run(ctx, l.log) }

// spoken is how heartbeats keep what they owe the alert stage.
func (l *Listener) spoken() voice.Rows[oncall.MonitorID, *store.Heartbeat] {
	return voice.Rows[oncall.MonitorID, *store.Heartbeat]{
		Name: "heartbeats",
		Lock: func(ctx context.Context, tx *store.Tx, ids []oncall.MonitorID) (map[oncall.MonitorID]*store.Heartbeat, error) {
			return tx.LockHeartbeats(ctx, ids)
		},
		Line: func(row *store.Heartbeat) voice.Line {
			return voice.Line{Voice: &row.Voice, Speaker: &row.Speaker, Until: &row.SpeaksUntil}
		},
		Claim: func(ctx context.Context, tx *store.Tx, rows []*store.Heartbeat) error {
			return tx.SaveHeartbeats(ctx, rows...)
		},
		Settle: func(ctx context.Context, tx *store.Tx, rows map[oncall.MonitorID]*store.Heartbeat) error {
			c := l.change(tx.Now)
			for id, row := range rows {
				c.save(row, l.entry(id))
			}
			return c.commit(ctx, tx)
		},
	}
}

// speak takes over the language of the installation, and its zone, in which times
// are said where a heartbeat has none.
func (l *Listener) speak(dir *oncall.Directory) {
	l.mu.Lock()
	l.words = saying.Of(dir.Settings)
	l.mu.Unlock()
}
