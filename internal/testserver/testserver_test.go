package testserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestMain lets this binary play the process that is killed in
// TestNothingOutlivesAKilledProcess.
func TestMain(m *testing.M) {
	if os.Getenv("TESTSERVER_VICTIM") == "" {
		os.Exit(m.Run())
	}
	s, err := StartPostgres(context.Background(), "")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.DSN())
	fmt.Println(s.dir)
	<-make(chan struct{})
}

func TestPostgresGivesEachCallAFreshDatabase(t *testing.T) {
	t.Parallel()
	a, b := connect(t, Postgres(t)), connect(t, Postgres(t))
	if _, err := a.Exec(t.Context(), "CREATE TABLE only_in_a (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	if got := value(t, b, "SELECT count(*)::text FROM pg_class WHERE relname = 'only_in_a'"); got != "0" {
		t.Errorf("tables of a seen in b: got %s, want 0", got)
	}
	if got := value(t, a, "SHOW fsync"); got != "on" {
		t.Errorf("fsync: got %s, want on", got)
	}
}

func TestPostgresDropsTheDatabaseWithTheTest(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("asks", func(t *testing.T) { dsn = Postgres(t) })
	conn, err := pgx.Connect(t.Context(), dsn)
	if err == nil {
		conn.Close(t.Context())
		t.Fatal("the database is still there after its test")
	}
	if got, want := err.Error(), "does not exist"; !strings.Contains(got, want) {
		t.Errorf("got %q, want it to say %q", got, want)
	}
}

func TestPostgresAsksForThePassword(t *testing.T) {
	t.Parallel()
	s := PostgresServer(t)
	conn, err := pgx.Connect(t.Context(), strings.Replace(s.DSN(), s.password, "wrong", 1))
	if err == nil {
		conn.Close(t.Context())
		t.Fatal("a wrong password was let in")
	}
}

func TestCommittedRowsSurviveKillAndRestart(t *testing.T) {
	t.Parallel()
	s := PostgresServer(t)
	dsn, err := s.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, dsn).Exec(t.Context(), "CREATE TABLE kept AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		conn.Close(t.Context())
		t.Fatal("a killed server answers")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := value(t, connect(t, dsn), "SELECT n::text FROM kept"); got != "7" {
		t.Errorf("after the restart: got %s, want 7", got)
	}
	if err := s.Restart(t.Context()); err != nil { // in good order
		t.Fatal(err)
	}
	if got := value(t, connect(t, dsn), "SELECT n::text FROM kept"); got != "7" {
		t.Errorf("after the second restart: got %s, want 7", got)
	}
}

func TestStopRemovesOnlyATemporaryFolder(t *testing.T) {
	t.Parallel()
	own, err := os.MkdirTemp("", "toban-own-") // t.TempDir's parent belongs to root alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(own) })
	for _, tc := range []struct {
		name, dir string
		kept      bool
	}{
		{"a folder of the caller's stays", own, true},
		{"a temporary one goes", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := StartPostgres(t.Context(), tc.dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(s.dir); (err == nil) != tc.kept {
				t.Errorf("folder kept: got %v, want %v", err == nil, tc.kept)
			}
		})
	}
}

func TestNothingOutlivesAKilledProcess(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TESTSERVER_VICTIM=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	dsn := lines.Text()
	lines.Scan()
	dir := lines.Text()
	connect(t, dsn).Close(t.Context())
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // says "killed"
	eventually(t, "the server is gone", func() bool {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err == nil {
			conn.Close(t.Context())
		}
		return err != nil
	})
	eventually(t, "the folder is gone", func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	})
}

func TestPrometheusScrapesAndLoadsRules(t *testing.T) {
	t.Parallel()
	blackbox := Blackbox(t, "modules: { http_2xx: { prober: http, timeout: 2s } }\n")
	if got := body(t, blackbox+"/probe?module=http_2xx&target="+blackbox); !strings.Contains(got, "\nprobe_success 1\n") {
		t.Errorf("the exporter's answer lacks probe_success 1:\n%s", got)
	}
	base := Prometheus(t,
		"global: { scrape_interval: 1s }\nscrape_configs: [ { job_name: exporter, static_configs: [ { targets: [ '"+strings.TrimPrefix(blackbox, "http://")+"' ] } ] } ]\n",
		"groups: [ { name: one, rules: [ { alert: Down, expr: up == 0 } ] } ]\n",
		"groups: [ { name: two, rules: [ { alert: Up, expr: up == 1 } ] } ]\n")
	rules := body(t, base+"/api/v1/rules")
	for _, want := range []string{`"name":"Down"`, `"name":"Up"`} {
		if !strings.Contains(rules, want) {
			t.Errorf("rules lack %s: %s", want, rules)
		}
	}
	eventually(t, "the target is up", func() bool {
		return strings.Contains(body(t, base+"/api/v1/query?query=up"), `,"1"]`)
	})
}

func TestAlertmanagerTakesAnAlert(t *testing.T) {
	t.Parallel()
	base := Alertmanager(t, "route: { receiver: nobody }\nreceivers: [ { name: nobody } ]\n")
	resp, err := http.Post(base+"/api/v2/alerts", "application/json", strings.NewReader(`[{"labels":{"alertname":"Down"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("post: got %s, want 200", resp.Status)
	}
	if got := body(t, base+"/api/v2/alerts"); !strings.Contains(got, `"alertname":"Down"`) {
		t.Errorf("the alert is not listed: %s", got)
	}
}

func TestServersEndWithTheirTest(t *testing.T) {
	t.Parallel()
	var base string
	t.Run("asks", func(t *testing.T) {
		base = Blackbox(t, "modules: { http_2xx: { prober: http } }\n")
	})
	if resp, err := http.Get(base + "/-/healthy"); err == nil {
		resp.Body.Close()
		t.Error("the server answers after its test")
	}
}

func TestABrokenConfigurationFailsTheTestWithTheServersWords(t *testing.T) {
	t.Parallel()
	got := failure(t, func(t T) { Alertmanager(t, "route: { receiver: missing }\n") })
	if want := `undefined receiver`; !strings.Contains(got, want) {
		t.Errorf("got %q, want it to say %q", got, want)
	}
}

func TestAMissingProgramFailsTheTestAndSaysWhatToRun(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("TOBAN_SERVERS", empty)
	t.Setenv("PATH", empty)
	for name, ask := range map[string]func(T){
		"prometheus":                   func(t T) { Prometheus(t, "") },
		"prometheus-alertmanager":      func(t T) { Alertmanager(t, "") },
		"prometheus-blackbox-exporter": func(t T) { Blackbox(t, "") },
	} {
		got := failure(t, ask)
		for _, want := range []string{"tools/servers.sh", "Debian package " + name} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want it to say %q", name, got, want)
			}
		}
	}
}

func TestFindPrefersWhatWasUnpackedAndTheNewest(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("TOBAN_SERVERS", cache)
	for _, at := range []string{"9", "15"} {
		dir := filepath.Join(cache, "root/usr/lib/postgresql", at, "bin")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "postgres"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	libraries := filepath.Join(cache, "root/usr/lib/x86_64-linux-gnu")
	if err := os.MkdirAll(libraries, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := find("postgres")
	if want := filepath.Join(cache, "root/usr/lib/postgresql/15/bin/postgres"); err != nil || got != want {
		t.Fatalf("find: got %q, %v, want %q", got, err, want)
	}
	if got, want := strings.Join(environment(got), " "), "LD_LIBRARY_PATH="+libraries; !strings.Contains(got, want) {
		t.Errorf("environment: got %q, want it to have %q", got, want)
	}
}

// failure runs ask with a T that only takes notes, and returns how it failed.
func failure(t *testing.T, ask func(T)) string {
	t.Helper()
	notes := &notebook{T: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ask(notes)
	}()
	<-done
	return notes.failed
}

type notebook struct {
	*testing.T
	failed string
}

func (n *notebook) Fatalf(format string, args ...any) {
	n.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func value(t *testing.T, conn *pgx.Conn, query string) (text string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func body(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eventually asks holds every 50 ms for ten seconds.
func eventually(t *testing.T, promise string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if holds() {
			return
		}
	}
	t.Errorf("after 10 s it does not hold that %s", promise)
}
