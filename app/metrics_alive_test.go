package app

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"toban/internal/remotewrite"
)

func TestAProcessThatStandsStillGivesNoSignOfLife(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	held := make(chan struct{})
	stuck := make(chan bool, 1)
	stuck <- false
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is := <-stuck
		stuck <- is
		if is {
			<-held
		}
		if r.URL.Path != "/prometheus/-/healthy" {
			w.WriteHeader(http.StatusNotFound)
		}
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		close(held)
		_ = server.Close() // the test is over
		<-done
	})
	ask := alive(remotewrite.Target{Socket: socket}, "http://metrics/prometheus")
	if err := ask(t.Context()); err != nil {
		t.Errorf("got %v of one that works", err)
	}
	<-stuck
	stuck <- true
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := ask(ctx); err == nil {
		t.Error("got a sign of life of one that stands still")
	}
	if err := alive(remotewrite.Target{Socket: socket + "x"}, "http://metrics/prometheus")(t.Context()); err == nil {
		t.Error("got a sign of life of nothing")
	}
}
