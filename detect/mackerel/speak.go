package mackerel

import (
	"context"
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
)

func (m *Metrics) talk(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.hints.Ready():
		}
		for ids := m.hints.Take(maxSpoken); len(ids) > 0 && ctx.Err() == nil; ids = m.hints.Take(maxSpoken) {
			m.speak(ctx, ids)
		}
	}
}

// speak says the first of what is owed of each. The row is claimed meanwhile, so
// that two nodes never say things of one metric in another order.
func (m *Metrics) speak(ctx context.Context, ids []string) {
	if m.o.Fenced() {
		return // the timer comes back to it
	}
	ctx = context.WithoutCancel(ctx) // what has begun is ended, each part within its time
	words, err := m.claim(ctx, ids)
	if err != nil {
		m.log.ErrorContext(ctx, "metrics wait to be told of", "metrics", len(ids), "err", err)
		return
	}
	if len(words) == 0 {
		return
	}
	said := m.accept(ctx, words)
	if err := m.crossOff(ctx, words, said); err != nil {
		m.log.ErrorContext(ctx, "metrics were told of and will be again", "metrics", len(words), "err", err)
	}
}

func (m *Metrics) claim(ctx context.Context, ids []string) (words map[string]oncall.Signal, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	err = m.o.DB.Tx(ctx, func(tx *store.Tx) error {
		words = map[string]oncall.Signal{}
		rows, err := tx.LockMetricStates(ctx, ids)
		if err != nil {
			return err
		}
		var claimed []*store.MetricState
		for id, row := range rows {
			elsewhere := row.Speaker != "" && row.Speaker != m.o.DB.Node() && tx.Now.Before(row.SpeaksUntil)
			if len(row.Voice.Owed) == 0 || elsewhere {
				continue
			}
			row.Speaker, row.SpeaksUntil = m.o.DB.Node(), tx.Now.Add(claimFor)
			claimed = append(claimed, row)
			words[id] = row.Voice.Owed[0]
		}
		return tx.SaveMetricStates(ctx, claimed...)
	})
	return words, err
}

// accept returns of which metrics the words were taken. They are said
// together; when that fails one by one, as one of them may be what can't be taken.
func (m *Metrics) accept(ctx context.Context, words map[string]oncall.Signal) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, speakWithin)
	defer cancel()
	said := make(map[string]bool, len(words))
	all := make([]oncall.Signal, 0, len(words))
	for _, s := range words {
		all = append(all, s)
	}
	err := m.o.Accept(ctx, all)
	for id, s := range words {
		if err == nil || len(words) > 1 && m.o.Accept(ctx, []oncall.Signal{s}) == nil {
			said[id] = true
		}
	}
	if len(said) < len(words) {
		m.log.ErrorContext(ctx, "what metrics have to say was not taken; it is said again", "metrics", len(words)-len(said), "err", err)
	}
	return said
}

func (m *Metrics) crossOff(ctx context.Context, words map[string]oncall.Signal, said map[string]bool) error {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	ids := make([]string, 0, len(words))
	for id := range words {
		ids = append(ids, id)
	}
	var more []string
	err := m.o.DB.Tx(ctx, func(tx *store.Tx) error {
		more = nil
		rows, err := tx.LockMetricStates(ctx, ids)
		if err != nil {
			return err
		}
		c := m.change(tx.Now)
		for id, row := range rows {
			if row.Speaker != m.o.DB.Node() {
				continue // it took so long that another node says it
			}
			row.Speaker, row.SpeaksUntil = "", time.Time{}
			if said[id] && len(row.Voice.Owed) > 0 {
				row.Voice.Owed = row.Voice.Owed[1:]
				if len(row.Voice.Owed) > 0 {
					more = append(more, id)
				}
			}
			c.save(row, m.entry(row.Monitor))
		}
		return c.commit(ctx, tx)
	})
	if err == nil {
		m.hints.Add(more...)
	}
	return err
}
