package detect

import (
	"context"
	"sync"

	"toban/oncall"
	"toban/store"
)

// gone are monitors that are not configured any more and of which all was said and
// saved: they are to be forgotten.
type gone struct {
	mu   sync.Mutex
	all  []*watched
	wake chan struct{}
}

// forgotten is how many are forgotten in one transaction.
const forgotten = 200

// left is told when all that a monitor had to say was said and saved.
func (m *Monitors) left(w *watched) {
	w.mu.Lock()
	forget := w.forget
	w.mu.Unlock()
	m.mu.Lock()
	leaves := m.leaving[w.id] == w
	if leaves && !forget {
		delete(m.leaving, w.id)
	}
	m.mu.Unlock()
	if !leaves || !forget {
		return
	}
	m.gone.mu.Lock()
	m.gone.all = append(m.gone.all, w)
	m.gone.mu.Unlock()
	select {
	case m.gone.wake <- struct{}{}:
	default:
	}
}

// forget removes from the store what is gone, in sets: the courier waits for none
// of it.
func (m *Monitors) forget(ctx context.Context) {
	for ctx.Err() == nil {
		m.gone.mu.Lock()
		n := min(len(m.gone.all), forgotten)
		some := m.gone.all[:n:n]
		m.gone.all = m.gone.all[n:]
		m.gone.mu.Unlock()
		if n == 0 {
			return
		}
		m.forgetSome(ctx, some)
	}
}

// forgetSome holds m.follow, so that nobody begins to watch one of them meanwhile.
func (m *Monitors) forgetSome(ctx context.Context, some []*watched) {
	m.follow.Lock()
	defer m.follow.Unlock()
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	var ids []oncall.MonitorID
	for _, w := range some {
		w.mu.Lock()
		forget := w.forget
		w.mu.Unlock()
		m.mu.Lock()
		if forget && m.leaving[w.id] == w { // it was not taken up again
			ids = append(ids, w.id)
			delete(m.leaving, w.id)
		}
		m.mu.Unlock()
	}
	if len(ids) == 0 {
		return
	}
	err := m.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.ForgetMonitors(ctx, ids) })
	if err != nil { // the next change finds them without a monitor
		m.log.WarnContext(ctx, "the states of monitors that are gone stay in the store for now", "monitors", len(ids), "err", err)
	}
}
