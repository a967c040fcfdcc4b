package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheOpenLoopCountsWaitingAndKeepsItsRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// One worker, ten calls a second, and the first takes 450 ms: the four that
		// should have been made meanwhile are made at once, and their wait counts.
		var waits []time.Duration
		err := openLoop(t.Context(), 10, 1, time.Second, func(_, n int, due time.Time) error {
			if n == 0 {
				time.Sleep(450 * time.Millisecond)
			}
			waits = append(waits, time.Since(due))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{450, 350, 250, 150, 50, 0, 0, 0, 0, 0}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(waits, want) {
			t.Errorf("waits: got %v, want %v", waits, want)
		}
	})
}

func TestAnOpenLoopEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := openLoop(ctx, 1, 4, time.Hour, func(int, int, time.Time) error { return nil })
		if got := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || got != 100*time.Millisecond {
			t.Errorf("ended with %v after %s, want the context's error after 100 ms", err, got)
		}
	})
}

func TestSendersSpeakHTTPAndEverySignalHasItsKey(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event map[string]any
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil || r.URL.Path != intakePath || event["service"] != quietService {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		seen[event["key"].(string)]++
		mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	senders, hangUp, err := dialSenders(t.Context(), strings.TrimPrefix(server.URL, "http://"), 4, quietSignal)
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp()
	took, lasted, err := closedLoop(t.Context(), senders, 50*time.Millisecond, func(sender, n int) uint64 { return uint64(sender)<<32 | uint64(n) })
	if err != nil || len(took) == 0 || lasted < 50*time.Millisecond {
		t.Fatalf("%d signals in %s, %v", len(took), lasted, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != len(took) {
		t.Errorf("%d keys arrived, want %d", len(seen), len(took))
	}
}

func TestAWireReadsWhatServersAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, answer string
		want         int
		fails        bool
	}{
		{"accepted", "HTTP/1.1 202 Accepted\r\nDate: today\r\nContent-Length: 0\r\n\r\n", 202, false},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, false},
		{"with a body", "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\n\r\nhello", 503, false},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, true},
		{"no HTTP", "220 mail.example.jp ready\r\n\r\n", 0, true},
		{"a broken length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, true},
		{"cut off", "HTTP/1.1 200 OK\r\nContent-Le", 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() { // ends with the listener or the connection
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				io.ReadFull(conn, make([]byte, 4))
				io.WriteString(conn, tc.answer)
			}()
			w, err := dialWire(t.Context(), listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			got, err := w.do([]byte("ping"))
			if got != tc.want || (err != nil) != tc.fails {
				t.Errorf("got %d, %v, want %d", got, err, tc.want)
			}
		})
	}
}
