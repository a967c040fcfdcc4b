package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// onEach runs f on each engine, in real time.
func onEach(t *testing.T, f func(b *bench)) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f(&bench{TB: t, dsn: storetest.DSN(t, engine), node: "a", stage: &stage{}})
		})
	}
}

// until waits for what happens by itself.
func (b *bench) until(what string, f func() bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.Fatalf("not within 20 s: %s", what)
		}
	}
}

// settled is whether nothing is owed any more.
func (b *bench) settled() (settled bool) {
	err := b.db.Read(b.Context(), func(tx *store.Tx) error {
		rows, err := tx.Heartbeats(b.Context(), false)
		settled = true
		for _, row := range rows {
			settled = settled && len(row.Voice.Owed) == 0 && row.Speaker == ""
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return settled
}

// overdue lets the deadlines of the heartbeats be due in a moment, as if they had
// been heard of an hour ago.
func (b *bench) overdue(ids []oncall.MonitorID, in time.Duration) {
	b.Helper()
	err := b.db.Tx(b.Context(), func(tx *store.Tx) error {
		rows, err := tx.LockHeartbeats(b.Context(), ids)
		if err != nil {
			return err
		}
		c := b.l.change(tx.Now)
		for id, row := range rows {
			row.State.Status, row.State.Ended = oncall.HeartbeatUp, tx.Now.Add(in-70*time.Minute)
			row.State.Heard, row.State.Planned = row.State.Ended, row.State.Ended.Add(-time.Hour)
			c.save(row, b.l.entry(id))
		}
		return c.commit(b.Context(), tx)
	})
	if err != nil {
		b.Fatal(err)
	}
	b.l.mu.Lock()
	b.l.since = time.Now().Add(-time.Hour) // it has listened for long
	b.l.mu.Unlock()
}

// What a heartbeat is in the end and what was last told of it are the same,
// whoever came first.
func TestAPingThatMeetsItsDeadlineLeavesNoAlertBehind(t *testing.T) {
	onEach(t, func(b *bench) {
		var monitors []*oncall.Monitor
		var ids []oncall.MonitorID
		for i := range 60 {
			monitors = append(monitors, hourly(oncall.MonitorID(fmt.Sprintf("job-%02d", i))))
			ids = append(ids, monitors[i].ID)
		}
		b.open(monitors...)
		defer b.close()
		for range 3 {
			b.overdue(ids, 50*time.Millisecond)
			start := time.Now()
			var jobs sync.WaitGroup
			for i, id := range ids {
				jobs.Go(func() {
					timer := time.NewTimer(time.Until(start.Add(time.Duration(20+i*2) * time.Millisecond)))
					<-timer.C
					b.ping(id, "")
				})
			}
			jobs.Wait()
			b.until("all is said", b.settled)
		}
		open := map[string]bool{}
		for _, s := range b.stage.signals {
			if now := s.Action == oncall.Trigger; now == open[s.Key] {
				b.Errorf("%s was told twice: %s", s.Key, s.Action)
			} else {
				open[s.Key] = now
			}
		}
		triggers := len(b.stage.signals) / 2
		for _, id := range ids {
			if got := b.status(id); got.Status != oncall.HeartbeatUp || open[string(id)] {
				b.Errorf("%s is %s and its alert is open: %t", id, got.Status, open[string(id)])
			}
		}
		b.Logf("%d of 180 deadlines came before their ping", triggers)
	})
}

func TestTwoNodesTellTheSameHeartbeatInOneOrder(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	told := &stage{slow: 3 * time.Millisecond}
	var nodes []*bench
	for _, name := range []string{"a", "b"} {
		b := &bench{TB: t, dsn: dsn, node: name, stage: told}
		b.open(hourly("backup"), hourly("other"))
		defer b.close()
		nodes = append(nodes, b)
	}
	const pings = 25
	var jobs sync.WaitGroup
	for i, b := range nodes {
		jobs.Go(func() {
			for n := range pings {
				b.ping("backup", []string{"", "/fail"}[(n+i)%2])
				b.ping("other", []string{"/fail", ""}[(n+i)%2])
			}
		})
	}
	jobs.Wait()
	nodes[0].ping("backup", "/fail")
	nodes[1].ping("backup", "")
	nodes[0].until("all is said", nodes[0].settled)
	last := map[string]oncall.Action{}
	for _, s := range told.signals {
		if s.Action == oncall.Resolve && last[s.Key] != oncall.Trigger {
			t.Errorf("%s was resolved behind %q", s.Key, last[s.Key])
		}
		last[s.Key] = s.Action
	}
	for _, id := range []oncall.MonitorID{"backup", "other"} {
		down := nodes[1].status(id).Status == oncall.HeartbeatDown
		if down != (last[string(id)] == oncall.Trigger) {
			t.Errorf("%s is down: %t, and the last word of it was %s", id, down, last[string(id)])
		}
	}
	if got := nodes[0].status("backup").State.Pings; got != 2*pings+2 {
		t.Errorf("%d pings were counted, want %d", got, 2*pings+2)
	}
}

func TestAnotherNodeJudgesAndTellsForOneThatHasDied(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	a := &bench{TB: t, dsn: dsn, node: "a", stage: &stage{}}
	a.open(hourly("backup"))
	a.stop() // its rows are left as they are
	a.ping("backup", "/fail")
	b := &bench{TB: t, dsn: dsn, node: "b", stage: &stage{}}
	b.open(hourly("backup"))
	defer b.close()
	if err := b.db.Tx(t.Context(), func(tx *store.Tx) error { _, err := tx.AdoptRows(t.Context(), "a", 10); return err }); err != nil {
		t.Fatal(err)
	}
	b.until("it is told", func() bool { return len(b.stage.said()) == 1 })
	a.stop = func() {}
	a.close()
}

// The script of docs/heartbeats.md, as it stands there, over connections; toban is
// just being started again.
func TestTheShellScriptOfTheDocumentationReportsAFailedRun(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "heartbeats.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(page), "```sh\n#!/bin/sh\n")
	script, _, ends := strings.Cut(script, "```")
	if !found || !ends {
		t.Fatal("there is no script in docs/heartbeats.md")
	}
	b := &bench{TB: t, dsn: storetest.DSN(t, "sqlite"), node: "a", stage: &stage{}}
	b.open(hourly("backup"))
	defer b.close()
	var refusals atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refusals.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		b.l.Handler().ServeHTTP(w, r)
	}))
	defer server.Close()
	script = strings.Replace(script, "https://toban.example.jp/ping/UUID", server.URL+b.l.Addresses().Path("backup"), 1)
	script = strings.Replace(script, "/usr/local/bin/backup", `sh -c "yes | head -c 50000; echo disk full >&2; exit 3"`, 1)
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", script).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 {
		t.Fatalf("the script ended with %v, want the job's own status 3: %s", err, out)
	}
	pings, err := b.l.Pings(t.Context(), "backup", 0, 9)
	if err != nil || len(pings) != 2 {
		t.Fatalf("got %v %v, want a start and an end", pings, err)
	}
	if got := pings[0]; *got.Exit != 3 || !strings.HasSuffix(got.Body, "disk full") || got.Took <= 0 || got.Run == "" || got.Run != pings[1].Run {
		t.Errorf("got %+v", got)
	}
	b.until("it is told", func() bool { return len(b.stage.said()) == 1 })
}

// Pings of a thousand heartbeats from 64 connections; 1,000 a second are wanted.
func BenchmarkPing(b *testing.B) {
	for _, engine := range storetest.Engines() {
		b.Run(engine, func(b *testing.B) {
			bench := &bench{TB: b, dsn: storetest.DSN(b, engine), node: "a", stage: &stage{}}
			var monitors []*oncall.Monitor
			for i := range 1000 {
				monitors = append(monitors, hourly(oncall.MonitorID(fmt.Sprintf("job-%03d", i))))
			}
			bench.open(monitors...)
			defer bench.close()
			next := make(chan int)
			var jobs sync.WaitGroup
			for range 64 {
				jobs.Go(func() {
					for i := range next {
						bench.ping(monitors[i%1000].ID, []string{"/start", "/0"}[i/1000%2])
					}
				})
			}
			for i := 0; b.Loop(); i++ {
				next <- i
			}
			close(next)
			jobs.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pings/s")
		})
	}
}
