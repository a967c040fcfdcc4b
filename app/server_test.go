package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAConnectionOnWhichNothingWasAskedHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer("main", l, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for known := 0; known == 0; { // until the server has taken it up
		s.fresh.mu.Lock()
		known = len(s.fresh.conns)
		s.fresh.mu.Unlock()
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(4 * time.Second):
		t.Error("the server still waits for somebody who has asked nothing")
	}
}

func TestWhoAsksWhetherItIsReadyIsToldWhyNot(t *testing.T) {
	t.Parallel()
	a := &App{ready: make(chan struct{})}
	for _, tc := range []struct {
		ready  func(context.Context) error
		status int
		text   string
	}{
		{a.isReady, http.StatusServiceUnavailable, "toban is starting"},
		{func(context.Context) error { return errNotKept }, http.StatusServiceUnavailable, "the disk is full"},
		{func(context.Context) error { return nil }, http.StatusOK, "ok"},
	} {
		w := httptest.NewRecorder()
		readiness(tc.ready)(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.text) {
			t.Errorf("got %d %q, want %d with %q", w.Code, w.Body, tc.status, tc.text)
		}
	}
}
