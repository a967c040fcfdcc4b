package live

import (
	"context"
	"sync"
	"time"

	"toban/store"
)

// memory is what was told lately, so that a change that comes by two ways is
// told once.
type memory struct {
	mu   sync.Mutex
	seqs map[int64]struct{}
}

// fresh returns what was not told before, and remembers it.
func (m *memory) fresh(list []store.Change) (fresh []store.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seqs == nil {
		m.seqs = map[int64]struct{}{}
	}
	for _, c := range list {
		if _, known := m.seqs[c.Seq]; !known {
			m.seqs[c.Seq] = struct{}{}
			fresh = append(fresh, c)
		}
	}
	return fresh
}

// forget drops what can't come again.
func (m *memory) forget(upTo int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for seq := range m.seqs {
		if seq <= upTo {
			delete(m.seqs, seq)
		}
	}
}

// poll reads what other nodes have committed. Numbers turn up out of order, so
// it reads the last moments again and passes over what was told.
func (h *Hub) poll(ctx context.Context) {
	every := time.NewTicker(h.o.Poll)
	defer every.Stop()
	after := back(h.last.Load(), early)
	behind := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		floor := store.SeqAt(time.Now().Add(-early))
		err := h.readBehind(ctx, after)
		if err != nil {
			if ctx.Err() == nil && !behind { // said once, not four times a second
				h.log.WarnContext(ctx, "changes can't be read", "err", err)
			}
			behind = true
			continue
		}
		behind = false
		after = max(after, floor)
		h.told.forget(back(after, early))
	}
}

// readBehind tells everything behind a number, in readings of a bounded size.
func (h *Hub) readBehind(ctx context.Context, after int64) error {
	for {
		list, err := h.feed.Changes(ctx, after, most)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			h.tell(list)
			after = list[len(list)-1].Seq
		}
		if len(list) < most {
			return nil
		}
	}
}

// back is the number of a moment before that of seq.
func back(seq int64, by time.Duration) int64 {
	return seq - (store.SeqAt(time.UnixMilli(by.Milliseconds())) - store.SeqAt(time.UnixMilli(0)))
}
