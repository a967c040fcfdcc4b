package live

import (
	"context"
	"math"
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

// mostTold bounds it where nothing can be forgotten, because the table can't be
// read.
const mostTold = 50_000

// fresh returns what was not told before, and remembers it.
func (m *memory) fresh(list []store.Change) (fresh []store.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seqs == nil || len(m.seqs) >= mostTold {
		m.seqs = map[int64]struct{}{} // what is told twice is drawn twice, and no more
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
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		floor := store.SeqAt(time.Now().Add(-early))
		err := h.readBehind(ctx, after)
		if err != nil {
			if ctx.Err() == nil && h.behind.CompareAndSwap(0, time.Now().UnixNano()) { // said once, not four times a second
				h.log.WarnContext(ctx, "changes can't be read", "err", err)
				h.unread.Store(after)
				h.unreadEnd.Store(forever)
			}
			if h.deaf() {
				h.sendAway()
			}
			continue
		}
		if h.behind.Swap(0) != 0 {
			h.unreadEnd.Store(store.SeqAt(time.Now()))
		}
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

// deaf reports whether changes of other nodes have not been heard for so long
// that a page must not call itself live.
func (h *Hub) deaf() bool {
	since := h.behind.Load()
	return since != 0 && time.Since(time.Unix(0, since)) > silent
}

// from is the number behind which a client that stands at after may have missed
// something. Who was told of this node's changes while those of others could not
// be read stands too far ahead.
func (h *Hub) from(after int64) int64 {
	from := back(after, h.early)
	if after < h.unreadEnd.Load() {
		from = min(from, max(h.unread.Load(), 1))
	}
	return from
}

// forever is behind every number.
const forever = math.MaxInt64

// sendAway ends every stream: its page says that it is not live, and comes back
// until it can be told what it has missed.
func (h *Hub) sendAway() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.views {
		g.mu.Lock()
		for c := range g.clients {
			c.end(away)
		}
		g.mu.Unlock()
	}
}

// back is the number of a moment before that of seq.
func back(seq int64, by time.Duration) int64 {
	return seq - (store.SeqAt(time.UnixMilli(by.Milliseconds())) - store.SeqAt(time.UnixMilli(0)))
}
