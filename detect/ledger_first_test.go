package detect

import (
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
)

// since is when the store says that a monitor was watched first; zero = nothing is
// saved.
func (b *bench) since(id string) (first time.Time) {
	b.t.Helper()
	err := b.db.Read(b.t.Context(), func(tx *store.Tx) error {
		days, err := tx.MonitorDays(b.t.Context(), []oncall.MonitorID{oncall.MonitorID(id)}, 0)
		if len(days) > 0 {
			first = days[0].First
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return first
}

func TestNoRestartMovesSinceWhenAMonitorIsWatched(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop")})
		began := time.Now()
		b.start()
		time.Sleep(3 * time.Second)
		first := b.since("shop")
		if d := first.Sub(began); first.IsZero() || d < 0 || d > time.Second {
			t.Fatalf("got %s three seconds after %s: a kill would take it along", first, began)
		}
		b.target.set("shop", true)
		for range 5 {
			b.stop()
			time.Sleep(10 * time.Second)
			b.start()
			time.Sleep(20 * time.Second)
			if got := b.since("shop"); !got.Equal(first) {
				t.Errorf("got %s after a restart, want %s", got, first)
			}
		}
	})
}

func TestWhatIsSavedOfAYoungMonitorSaysSinceWhenItIsWatched(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		b.apply([]*oncall.Monitor{monitor("shop")})
		saved := time.Now().Add(-40 * time.Second).Truncate(time.Millisecond)
		row := store.MonitorState{Monitor: "shop", Status: oncall.MonitorUp, Since: saved, State: encode(t, oncall.MonitorState{Status: oncall.MonitorUp, Since: saved})}
		err := b.db.Tx(t.Context(), func(tx *store.Tx) error { // all that a kill has left
			_, err := tx.SaveMonitorStates(t.Context(), []store.MonitorState{row})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute) // synctest begins at midnight, in Tokyo at 9:00
		b.start()
		time.Sleep(3 * time.Minute)
		if got := b.since("shop"); !got.Equal(saved) {
			t.Errorf("got %s, want %s", got, saved)
		}
	})
}
