package bench

import (
	"log/slog"
	"testing"
	"time"

	"toban/store/storetest"
)

// That the load program works, not how fast the machine is.
func TestTimersMeasuresBothEngines(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			figures, err := Timers(t.Context(), storetest.DSN(t, engine), time.Second, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range figures {
				t.Logf("%s %.2f %s", f.Name, f.Value, f.Unit)
			}
			if len(figures) != 3 {
				t.Errorf("figures = %v, want p50, p99 and the latest", figures)
			}
		})
	}
}
