package heartbeat

import (
	"context"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

const (
	// speakAgain is when something that is owed is looked after by its timer.
	speakAgain = 5 * time.Second
	// speakWithin bounds how long the alert stage may take, claimFor how long no
	// other node says the same meanwhile.
	speakWithin = 20 * time.Second
	claimFor    = 40 * time.Second
	storeWithin = 10 * time.Second
	// maxSpoken is how many are said together.
	maxSpoken = 64
	// maxOwed is how much is owed of one heartbeat at most.
	maxOwed = 20
)

// Run hands on what is to be said, and follows the configuration, until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	var following sync.WaitGroup
	following.Go(func() { l.follow(ctx) })
	defer following.Wait()
	l.talk(ctx)
	return nil
}

func (l *Listener) talk(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.hints.Ready():
		}
		for ids := l.hints.Take(maxSpoken); len(ids) > 0 && ctx.Err() == nil; ids = l.hints.Take(maxSpoken) {
			l.speak(ctx, ids)
		}
	}
}

// speak says the first of what is owed of each. The row is claimed meanwhile, so
// that two nodes never say things of one heartbeat in another order.
func (l *Listener) speak(ctx context.Context, ids []oncall.MonitorID) {
	if l.o.Fenced() {
		return // the timer comes back to it
	}
	ctx = context.WithoutCancel(ctx) // what has begun is ended, each part within its time
	words, err := l.claim(ctx, ids)
	if err != nil {
		l.log.ErrorContext(ctx, "heartbeats wait to be told of", "heartbeats", len(ids), "err", err)
		return
	}
	if len(words) == 0 {
		return
	}
	said := l.accept(ctx, words)
	if err := l.crossOff(ctx, words, said); err != nil {
		l.log.ErrorContext(ctx, "heartbeats were told of and will be again", "heartbeats", len(words), "err", err)
	}
}

func (l *Listener) claim(ctx context.Context, ids []oncall.MonitorID) (words map[oncall.MonitorID]oncall.Signal, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	err = l.o.DB.Tx(ctx, func(tx *store.Tx) error {
		words = map[oncall.MonitorID]oncall.Signal{}
		rows, err := tx.LockHeartbeats(ctx, ids)
		if err != nil {
			return err
		}
		var claimed []*store.Heartbeat
		for id, row := range rows {
			elsewhere := row.Speaker != "" && row.Speaker != l.o.DB.Node() && tx.Now.Before(row.SpeaksUntil)
			if len(row.Voice.Owed) == 0 || elsewhere {
				continue
			}
			row.Speaker, row.SpeaksUntil = l.o.DB.Node(), tx.Now.Add(claimFor)
			claimed = append(claimed, row)
			words[id] = row.Voice.Owed[0]
		}
		return tx.SaveHeartbeats(ctx, claimed...)
	})
	return words, err
}

// accept returns of which heartbeats the words were taken. They are said
// together; when that fails one by one, as one of them may be what can't be taken.
func (l *Listener) accept(ctx context.Context, words map[oncall.MonitorID]oncall.Signal) map[oncall.MonitorID]bool {
	ctx, cancel := context.WithTimeout(ctx, speakWithin)
	defer cancel()
	said := make(map[oncall.MonitorID]bool, len(words))
	all := make([]oncall.Signal, 0, len(words))
	for _, s := range words {
		all = append(all, s)
	}
	err := l.o.Accept(ctx, all)
	for id, s := range words {
		if err == nil || len(words) > 1 && l.o.Accept(ctx, []oncall.Signal{s}) == nil {
			said[id] = true
		}
	}
	if len(said) < len(words) {
		l.log.ErrorContext(ctx, "what heartbeats have to say was not taken; it is said again", "heartbeats", len(words)-len(said), "err", err)
	}
	return said
}

func (l *Listener) crossOff(ctx context.Context, words map[oncall.MonitorID]oncall.Signal, said map[oncall.MonitorID]bool) error {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	ids := make([]oncall.MonitorID, 0, len(words))
	for id := range words {
		ids = append(ids, id)
	}
	var more []oncall.MonitorID
	err := l.o.DB.Tx(ctx, func(tx *store.Tx) error {
		more = nil
		rows, err := tx.LockHeartbeats(ctx, ids)
		if err != nil {
			return err
		}
		c := l.change(tx.Now)
		for id, row := range rows {
			if row.Speaker != l.o.DB.Node() {
				continue // it took so long that another node says it
			}
			row.Speaker, row.SpeaksUntil = "", time.Time{}
			if said[id] && len(row.Voice.Owed) > 0 {
				row.Voice.Owed = row.Voice.Owed[1:]
				if len(row.Voice.Owed) > 0 {
					more = append(more, id)
				}
			}
			c.save(row, l.entry(id))
		}
		return c.commit(ctx, tx)
	})
	if err == nil {
		l.hints.Add(more...)
	}
	return err
}
