package bench

import (
	"net/url"
	"testing"
	"testing/fstest"
	"time"

	"toban/config"
	sim "toban/sim/twilio"
)

func TestTheMeasuredConfigurationIsOne(t *testing.T) {
	t.Parallel()
	for day := range 7 {
		now := time.Date(2026, 11, 23+day, 23, 30, 0, 0, time.UTC)
		_, problems := config.LoadFS(fstest.MapFS{"toban.yaml": {Data: []byte(folder("127.0.0.1:1", 60, now))}})
		for _, p := range problems {
			t.Errorf("%s: %v", now.Weekday(), p)
		}
	}
}

func TestCallbacksAreSignedAsTwilioSigns(t *testing.T) {
	t.Parallel()
	form := url.Values{"CallSid": {"CA1"}, "To": {"+819000000001"}, "CallStatus": {"busy"}}
	address := "http://127.0.0.1:1/callbacks/twilio/status?d=1"
	if got, want := signature(address, form), sim.Sign(token, address, form); got != want {
		t.Errorf("signature: got %s, want %s", got, want)
	}
}
