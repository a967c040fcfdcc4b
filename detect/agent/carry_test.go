package agent

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"toban/detect/probe"
	"toban/internal/remotewrite"
	"toban/oncall"
)

func TestAnAgentSendsOnlyWhatTheCoreKeeps(t *testing.T) {
	t.Parallel()
	recorded := &recorder{}
	s := remotewrite.New(remotewrite.Options{
		Target: remotewrite.Target{URL: "http://core" + writePath}, Log: slog.New(slog.DiscardHandler), Transport: recorded,
	})
	c := newCarrier(s.Append)
	for _, kind := range []oncall.MonitorKind{oncall.MonitorHTTP, oncall.MonitorPing, oncall.MonitorTCP} {
		m := monitor("shop-"+string(kind), "osaka")
		m.Kind = kind
		c.carry(m, "", "osaka", &probe.Result{Up: true, Start: time.Now().Add(-time.Second), Duration: time.Second})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	received, err := remotewrite.Decode(recorded.body)
	if err != nil || len(received) == 0 {
		t.Fatalf("got %d series, %v", len(received), err)
	}
	for _, one := range received {
		if !strings.HasPrefix(one.Metric(), "probe_") {
			t.Errorf("%s is sent, and the core drops it", one.Metric())
		}
	}
}
