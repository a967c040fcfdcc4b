package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"toban/detect/saying"
	"toban/oncall"
)

// A signal goes to chat, to phones and to a Prometheus.
func TestNoTokenOfATargetIsInWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	m := &oncall.Monitor{ID: "shop", Name: "Shop", Kind: oncall.MonitorHTTP, Target: "https://shop.example.jp/health?token=hunter2&page=3", Severity: oncall.Critical}
	s, ok := signalOf(saying.Words{}, m, oncall.MonitorEdge{Alert: oncall.AlertDown, Reason: "status", Message: "the status is 500"}, time.UnixMilli(1))
	if !ok {
		t.Fatal("got nothing to say")
	}
	if got, want := s.Labels["target"], "https://shop.example.jp/health?token=…&page=…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if text := fmt.Sprintf("%+v", s); strings.Contains(text, "hunter2") {
		t.Errorf("got %s, want no token in it", text)
	}
}
