package bench

import (
	"log/slog"
	"testing"
	"time"

	"toban/store/storetest"
)

// Quick enough for every run of the tests: that the load program works, not how
// fast the machine is.
func TestStoreMeasuresBothEngines(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			figures, err := Store(t.Context(), storetest.DSN(t, engine), 100*time.Millisecond, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range figures {
				t.Logf("%s %.2f %s", f.Name, f.Value, f.Unit)
				if f.Value <= 0 {
					t.Errorf("%s is %v, want more than nothing", f.Name, f.Value)
				}
			}
		})
	}
}
