package store

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"toban/internal/testserver"
	"toban/oncall"
)

// mute stands between a store and its server. While it is set, a connection ends
// with the answer to a commit, which does not get through.
type mute struct{ atomic.Bool }

// before returns the address of dsn's server through m.
func (m *mute) before(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go m.carry(client, server)
		}
	}()
	u.Host = l.Addr().String()
	return u.String()
}

func (m *mute) carry(client net.Conn, server string) {
	defer client.Close()
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	go func() {
		_, _ = io.Copy(upstream, client)
		upstream.Close()
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := upstream.Read(buf)
		if err != nil || bytes.Contains(buf[:n], []byte("COMMIT\x00")) && m.CompareAndSwap(true, false) {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

func TestACommitWhoseAnswerWasLostIsNotRefused(t *testing.T) {
	t.Parallel()
	var m mute
	var log bytes.Buffer
	db, err := Open(t.Context(), m.before(t, testserver.Postgres(t)), Options{
		Node: "test", Committers: 1, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	told := make(chan Wake, 10)
	defer db.Subscribe(func(w Wake) { told <- w })()
	signals := append(oneSignal("a"), oneSignal("b")...)
	for i := range signals {
		signals[i].Response = &ResponseRow{NextAt: time.Now()}
	}
	m.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := db.Accept(ctx, signals)
	if err != nil {
		t.Fatalf("got %v, want it accepted", err)
	}
	if m.Load() {
		t.Fatal("the answer got through")
	}
	for i, a := range got {
		if a.Incident != signals[i].Incident.ID || !a.New || a.Number == 0 {
			t.Errorf("got %+v, want the new incident %s", a, signals[i].Incident.ID)
		}
		var inc *oncall.Incident
		err := db.Read(ctx, func(tx *Tx) (err error) { inc, err = tx.IncidentUnlocked(ctx, a.Incident); return err })
		if err != nil || inc.Count != 1 || inc.Number != a.Number {
			t.Errorf("incident %+v %v, want number %d, told of once", inc, err, a.Number)
		}
	}
	if n := len(told); n != 1 {
		t.Errorf("told of %d commits, want 1", n)
	}
	if log.Len() > 0 {
		t.Errorf("logged %s, want nothing: nothing is wrong", log.String())
	}
}
