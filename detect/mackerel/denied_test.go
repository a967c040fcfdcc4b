package mackerel

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sim "toban/sim/mackerel"
)

func TestARefusedKeyIsTriedEveryFiveMinutesAndSaidHourly(t *testing.T) {
	real := sim.New(sim.Options{Keys: []string{"real-key"}, PerMinute: 1000})
	faults := make([]sim.Fault, 30)
	for i := range faults {
		faults[i] = sim.Fault{Status: 401 + 2*(i%2)}
	}
	real.Fault(faults...)
	inBubble(t, real, nil, func(b *bench) {
		b.post("jobs", 1)
		time.Sleep(119 * time.Minute)
		synctest.Wait()
		f := b.figures()
		if f.Failed < 22 || f.Failed > 26 || !f.Denied || f.Dropped != 0 || f.Waiting != 1 {
			t.Errorf("got %+v, want about 24 tries in two hours and a point that waits", f)
		}
		if n := b.told.n.Load(); n != 2 {
			t.Errorf("got it said %d times, want 2", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if f := b.figures(); f.Denied || f.Sent != 1 || f.Waiting != 0 {
			t.Errorf("got %+v once the key is taken, want the point sent", f)
		}
	})
}

// counted are the errors in a log that are about the key.
type counted struct{ n atomic.Int64 }

func (c *counted) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (c *counted) WithAttrs([]slog.Attr) slog.Handler           { return c }
func (c *counted) WithGroup(string) slog.Handler                { return c }
func (c *counted) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "refuses the key") {
		c.n.Add(1)
	}
	return nil
}
