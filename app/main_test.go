package app_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"toban/internal/promcheck"
)

// This program is also the child that a test's toban starts: what the command
// metrics promises, without a Prometheus behind it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "metrics" {
		os.Exit(playMetrics(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func playMetrics(args []string) int {
	if slices.Equal(args, promcheck.Args()) {
		return playCheck()
	}
	f := flag.NewFlagSet("metrics", flag.ContinueOnError)
	data, listen, alerts := f.String("data", "", ""), f.String("listen", "", ""), f.String("alerts", "", "")
	for _, name := range []string{"retention", "size", "memory", "external-url", "config", "core", "monitors"} {
		f.String(name, "", "")
	}
	f.Func("rules", "", func(string) error { return nil })
	f.Bool("until-stdin-closes", false, "")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if err := os.MkdirAll(*data, 0o700); err != nil {
		return 1
	}
	path := strings.TrimPrefix(*listen, "unix:")
	_ = os.Remove(path) // of the one before
	l, err := net.Listen("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var hups, written atomic.Int64
	hup := make(chan os.Signal, 8)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		for range hup {
			hups.Add(1)
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/prometheus/api/v1/query", func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		switch query {
		case "greedy":
			fmt.Fprintln(os.Stderr, "fatal error: runtime: out of memory")
			os.Exit(2)
		case "slow":
			<-r.Context().Done()
			return
		case "alert":
			postAlert(*alerts)
		}
		w.Header().Set("Set-Cookie", "a=b")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"query": query, "hups": hups.Load(), "written": written.Load(), "pid": os.Getpid(), "args": args,
			"authorization": r.Header.Get("Authorization"), "cookie": r.Header.Get("Cookie"), "env": os.Environ(),
		})
	})
	mux.HandleFunc("POST /prometheus/api/v1/write", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body) // only its size counts
		written.Add(n)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /prometheus/-/healthy", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /prometheus/api/v1/rules", func(w http.ResponseWriter, _ *http.Request) {
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(*data), "monitor-rules", "*.yml"))
		var groups []string
		for _, file := range files {
			text, _ := os.ReadFile(file)
			name := regexp.MustCompile(`name: ("[^"]*")`).FindSubmatch(text)
			if len(name) < 2 || strings.Contains(string(text), "== ==") {
				continue // left out, as the real one does
			}
			groups = append(groups, fmt.Sprintf(`{"name":%s,"interval":15,"rules":[{"name":"x","health":"ok","lastEvaluation":%q,"evaluationTime":0.001}]}`, name[1], time.Now().Format(time.RFC3339)))
		}
		fmt.Fprintf(w, `{"status":"success","data":{"groups":[%s]}}`, strings.Join(groups, ","))
	})
	mux.HandleFunc("POST /prometheus/-/reload", func(http.ResponseWriter, *http.Request) { hups.Add(1) })
	go func() { _ = http.Serve(l, mux) }() // ends with the process
	fmt.Println("replaying 1/1")
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// playCheck finds nothing wrong but "== ==".
func playCheck() int {
	var list []string
	if err := json.NewDecoder(os.Stdin).Decode(&list); err != nil {
		return 2
	}
	code := 0
	for i, text := range list {
		if at := strings.Index(text, "== =="); at >= 0 {
			fmt.Printf("%d:1:%d: unexpected <op:==>\n", i, at+4)
			code = 1
		}
	}
	return code
}

func postAlert(socket string) {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", strings.TrimPrefix(socket, "unix:"))
	}}}
	body := `[{"labels":{"alertname":"DiskFull","severity":"critical"},"annotations":{"summary":"disk full"},"endsAt":"` +
		time.Now().Add(4*time.Minute).Format(time.RFC3339) + `"}]`
	res, err := client.Post("http://toban/alertmanager/api/v2/alerts", "application/json", strings.NewReader(body))
	if err != nil || res.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, "the alert was not taken:", err, res)
	}
}
