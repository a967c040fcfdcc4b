package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"toban/internal/child"
	"toban/internal/remotewrite"
)

// seated are metrics whose child seems to answer as answer does.
func seated(t *testing.T, answer http.HandlerFunc) *metrics {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	m := testMetrics(t)
	c := child.New(child.Options{Name: "x", Path: "/bin/sleep", Args: []string{"100"}, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { _ = c.Run(ctx); close(done) }() // ends with cancel
	t.Cleanup(func() { cancel(); <-done })
	for end := time.Now().Add(5 * time.Second); c.State().Phase != child.Ready; <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the child does not get ready")
		}
	}
	seat := newSeat(c, server.URL, remotewrite.Target{URL: server.URL})
	t.Cleanup(seat.transport.CloseIdleConnections)
	m.now.Store(seat)
	return m
}

func TestAQuestionAboutRulesThatFailedIsNotAskedAgainAtOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	m := seated(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	})
	began := time.Now()
	for range 10 {
		if by, ok := m.evaluations(t.Context()); ok || by != nil {
			t.Errorf("got %v, want nothing known", by)
		}
	}
	if got := asked.Load(); got != 1 && time.Since(began) < rulesFresh {
		t.Errorf("asked %d times, want it asked once", got)
	}
	m.forgetRules()
	before := asked.Load()
	m.evaluations(t.Context())
	if got := asked.Load() - before; got != 1 {
		t.Errorf("asked %d times after the rules were changed, want 1", got)
	}
}

func TestWhoWaitsForAnAnswerAboutRulesMayGoAndTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 10)
	var quick atomic.Bool
	m := seated(t, func(w http.ResponseWriter, r *http.Request) {
		if !quick.Load() {
			arrived <- struct{}{}
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"groups":[]}}`)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := make(chan bool, 1)
	go func() {
		_, ok := m.evaluations(ctx)
		first <- ok
	}()
	<-arrived
	began := time.Now()
	short, done := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer done()
	if _, ok := m.evaluations(short); ok {
		t.Error("got an answer, want none")
	}
	m.forgetRules() // nor does a change of the rules wait
	if took := time.Since(began); took > rulesTime/2 {
		t.Errorf("waited %s for the question of another", took)
	}
	cancel()
	if <-first {
		t.Error("got an answer, want none for who has gone")
	}
	quick.Store(true)
	if by, ok := m.evaluations(t.Context()); !ok || by == nil {
		t.Errorf("got %v %t, want it asked again: nobody knows that it fails", by, ok)
	}
}
