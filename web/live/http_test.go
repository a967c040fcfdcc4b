package live_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/store"
	"toban/store/storetest"
	"toban/web/live"
)

// serve runs a hub over db behind a real listener with those deadlines, which a
// stream has to outlive.
func serve(t *testing.T, db *store.DB, o live.Options, deadline time.Duration, view live.View) (address string) {
	t.Helper()
	hub := live.New(db, nil, o)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := hub.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hub.Serve(w, r, view) }))
	server.Config.ReadTimeout, server.Config.WriteTimeout = deadline, deadline
	server.Start()
	t.Cleanup(func() {
		stop()
		running.Wait()
		server.Close()
	})
	for try := time.Now(); hub.Streams() == 0 && time.Since(try) < 10*time.Second; { // it answers 503 until it runs
		r, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			break
		}
	}
	return server.URL
}

// listen opens a stream and sends the data of its patches, with its beginning as
// "open".
func listen(t *testing.T, ctx context.Context, address string, heard chan<- string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Error(err)
		return
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	patch, opened := false, false
	for lines.Scan() {
		line := lines.Text()
		switch data, isData := strings.CutPrefix(line, "data: "); {
		case line == "event: patch":
			patch = true
		case isData && patch:
			heard <- data
			patch = false
		case isData && !opened:
			opened = true
			heard <- "open"
		}
	}
}

func drawing() live.View {
	return live.View{
		Key:    "list",
		Topics: func(c store.Change) bool { return c.Topic == store.TopicIncident },
		Render: func(_ context.Context, list []store.Change) ([]live.Patch, error) {
			return []live.Patch{{HTML: "<p id=" + list[len(list)-1].Ref + "></p>"}}, nil
		},
	}
}

func commit(t *testing.T, db *store.DB, ref string) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *store.Tx) error {
		tx.Changed(store.TopicIncident, ref)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func wait(t *testing.T, heard <-chan string, want string) {
	t.Helper()
	select {
	case got := <-heard:
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("nothing in a minute, want %q", want)
	}
}

func TestACommitReachesAStreamOverHTTP(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		address := serve(t, db, live.Options{}, time.Second, drawing())
		heard := make(chan string, 10)
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { listen(t, ctx, address, heard) })
		defer done.Wait()
		defer stop()
		wait(t, heard, "open")
		commit(t, db, "one")
		wait(t, heard, "<p id=one></p>")
		select { // longer than the deadlines of the server
		case got := <-heard:
			t.Fatalf("got %q, want nothing", got)
		case <-time.After(1200 * time.Millisecond):
		}
		commit(t, db, "two")
		wait(t, heard, "<p id=two></p>")
	})
}

func TestACommitOfAnotherNodeReachesAStream(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	here := storetest.Open(t, dsn, store.Options{Node: "here"})
	there := storetest.Open(t, dsn, store.Options{Node: "there"})
	address := serve(t, here, live.Options{Poll: 50 * time.Millisecond}, time.Minute, drawing())
	heard := make(chan string, 10)
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { listen(t, ctx, address, heard) })
	defer done.Wait()
	defer stop()
	wait(t, heard, "open")
	commit(t, there, "far")
	wait(t, heard, "<p id=far></p>")
}

func TestFiveHundredStreamsHearOfACommit(t *testing.T) {
	t.Parallel()
	const many = 500
	db := storetest.New(t, "sqlite")
	address := serve(t, db, live.Options{}, time.Minute, drawing())
	heard := make(chan string, 2*many)
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	for range many {
		done.Go(func() { listen(t, ctx, address, heard) })
	}
	defer done.Wait()
	defer stop()
	for range many {
		wait(t, heard, "open")
	}
	begin := time.Now()
	for n := range 5 {
		commit(t, db, fmt.Sprint(n))
		for range many {
			wait(t, heard, fmt.Sprintf("<p id=%d></p>", n))
		}
	}
	t.Logf("5 commits at %d streams: the slowest of each after %v", many, time.Since(begin)/5)
}
