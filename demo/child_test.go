package demo

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test's own program be the child: one that serves the
// listener that it was handed, as toban does, and says which process it is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(child(os.Args))
	}
	os.Exit(m.Run())
}

func child(args []string) int {
	at := slices.Index(args, "--listen-fd")
	fd, err := strconv.Atoi(args[at+1])
	if err != nil {
		return 1
	}
	l, err := net.FileListener(os.NewFile(uintptr(fd), "listener"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/pid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) })
	go http.Serve(l, mux) //nolint:errcheck,gosec // it ends with the process
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// alive starts a child on a port behind first.
func alive(t *testing.T, first int) (l *lifeline, at int) {
	t.Helper()
	listener, err := listen("127.0.0.1", first)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l = newLifeline(program, t.TempDir(), filepath.Join(t.TempDir(), "data"), address("127.0.0.1", port(listener)), "en", func() {})
	if l.listener, err = fileOf(listener); err != nil {
		t.Fatal(err)
	}
	at = port(listener)
	var running sync.WaitGroup
	running.Go(func() {
		if err := l.run(t.Context()); err != nil {
			t.Errorf("the child's life: %v", err)
		}
	})
	t.Cleanup(func() { // behind the end of t.Context
		running.Wait()
		listener.Close()
		l.listener.Close()
	})
	return l, at
}

func up(t *testing.T, l *lifeline) {
	t.Helper()
	select {
	case <-l.up:
	case <-time.After(30 * time.Second):
		t.Fatal("the child is not ready after 30 s")
	}
}

func pid(t *testing.T, l *lifeline) string {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for began := time.Now(); ; {
		res, err := client.Get(l.url + "/pid")
		if err == nil {
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(body)
		}
		// One that was accepted by a child at its end has died with it.
		if errors.Is(err, syscall.ECONNREFUSED) || time.Since(began) > 10*time.Second {
			t.Fatalf("asked while the plug is out or in: %v", err)
		}
	}
}

func TestManyDemosAtOnceHaveAPortEach(t *testing.T) {
	t.Parallel()
	const first = 23480
	var all []*lifeline
	seen := map[int]bool{}
	for range 6 {
		l, at := alive(t, first)
		if seen[at] {
			t.Errorf("port %d twice", at)
		}
		seen[at] = true
		all = append(all, l)
	}
	pids := map[string]bool{}
	for _, l := range all {
		up(t, l)
		pids[pid(t, l)] = true
	}
	if len(pids) != len(all) {
		t.Errorf("%d children answer at %d ports, want one each", len(pids), len(all))
	}
}

func TestThePortStaysWhileThePlugIsOut(t *testing.T) {
	t.Parallel()
	l, at := alive(t, 23580)
	up(t, l)
	for range 5 {
		was := pid(t, l)
		if err := l.pull(); err != nil {
			t.Fatal(err)
		}
		other, err := listen("127.0.0.1", at)
		if err != nil {
			t.Fatal(err)
		}
		other.Close()
		if port(other) == at {
			t.Errorf("somebody else got port %d while the plug was out", at)
		}
		for is := was; is == was; { // the one that was killed may answer for a moment
			is = pid(t, l)
		}
		for deadline := time.Now().Add(10 * time.Second); !l.plug().Up; {
			if time.Now().After(deadline) {
				t.Fatal("not back after 10 s")
			}
			pid(t, l)
		}
	}
	if p := l.plug(); p.Pulls != 5 || p.Back.IsZero() {
		t.Errorf("got %+v, want five pulls, and back", p)
	}
}

// A child that can't start must not be waited for at a port that takes
// connections.
func TestAChildThatEndsAtItsStartIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	listener, err := listen("127.0.0.1", 23680)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l := newLifeline("false", t.TempDir(), t.TempDir(), address("127.0.0.1", port(listener)), "en", func() {})
	if l.listener, err = fileOf(listener); err != nil {
		t.Fatal(err)
	}
	defer l.listener.Close()
	began := time.Now()
	if err := l.run(t.Context()); err == nil || time.Since(began) > readyWithin/2 {
		t.Errorf("got %v after %s, want that it ended, at once", err, time.Since(began))
	}
}
