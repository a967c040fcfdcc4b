package twilio_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"toban/notify"
	"toban/notify/twilio"
	"toban/oncall"
	"toban/store"
)

// A provider that was reset, such as a simulator started anew, does not know the
// call any more: waiting for its end would keep the next person from being
// called.
func TestR11_ACallThatTheProviderDoesNotKnowIsOver(t *testing.T) {
	t.Parallel()
	unknown := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"code":20404,"message":"The requested resource was not found","status":404}`))
	}))
	t.Cleanup(unknown.Close)
	v, err := twilio.New(twilio.Config{
		Account: "AC00000000000000000000000000000000", Token: "secret", From: []string{"+815000000000"}, BaseURL: unknown.URL,
		PublicURL: "https://toban.example.jp", Key: make([]byte, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Fetch(t.Context(), notify.Receipt{ProviderID: "CA00000000000000000000000000000001"})
	if err != nil {
		t.Fatal(err)
	}
	if got.State != store.DeliveryEnded || got.Outcome != oncall.Undeliverable {
		t.Errorf("got %s, %s, want ended, undeliverable", got.State, got.Outcome)
	}
}
