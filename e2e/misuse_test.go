package e2e

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/e2e/harness"
)

// small is a configuration with one service.
func small(listen string) string {
	return basics("http://"+listen, "http://127.0.0.1:1") + pairs(1, "25s", "1m")
}

// refused launches the program, which has to end by itself with exit code 1
// and say each of the words; it returns all it said.
func refused(t *testing.T, toban *harness.Toban, within time.Duration, words ...string) string {
	t.Helper()
	if err := toban.Launch(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	code, err := toban.Ended(ctx)
	said := toban.Log()
	if err != nil || code != 1 {
		t.Fatalf("got exit code %d, %v, want 1 within %s; it said:\n%s", code, err, within, said)
	}
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("it does not say %q:\n%s", w, said)
		}
	}
	if strings.Contains(said, "goroutine ") || strings.Contains(said, "panic") {
		t.Errorf("it panicked:\n%s", said)
	}
	if lines := strings.Count(said, "\n"); lines > 8 {
		t.Errorf("it said %d lines, which nobody reads:\n%s", lines, said)
	}
	return said
}

func TestServe_RefusesABrokenConfigurationWithItsPlaces(t *testing.T) {
	t.Parallel()
	toban := harness.New(t, "sqlite", func(listen string) string {
		return strings.Replace(small(listen), "fallback: { user: second0 }", "fallbac: { user: second0 }", 1)
	})
	environment(toban)
	said := refused(t, toban, 10*time.Second, "fallbac", "fallback")
	if place := regexp.MustCompile(`toban\.yaml:\d+:\d+`); !place.MatchString(said) {
		t.Errorf("it does not say file:line:column:\n%s", said)
	}
	// toban check says the same, with the same exit code, and starts nothing.
	var out bytes.Buffer
	cmd := exec.Command(harness.Binary(t), "check", "--config", toban.Config)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 1 || !strings.Contains(out.String(), "fallbac") {
		t.Errorf("toban check: got %v, want exit code 1 and the same words:\n%s", err, &out)
	}
}

func TestServe_SaysWhichSecretIsMissing(t *testing.T) {
	t.Parallel()
	toban := harness.New(t, "sqlite", small) // without its environment
	refused(t, toban, 10*time.Second, "E2E_")
}

func TestServe_SaysThatItsPortIsTaken(t *testing.T) {
	t.Parallel()
	toban := harness.New(t, "sqlite", small)
	environment(toban)
	l, err := net.Listen("tcp", strings.TrimPrefix(toban.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	refused(t, toban, 10*time.Second, "address already in use", strings.TrimPrefix(toban.URL, "http://"), "--listen")
}

// The second process is told so, and takes nothing away from the first: neither
// its store nor the socket of its command line.
func TestServe_IsAloneInItsDataFolder(t *testing.T) {
	t.Parallel()
	for _, engine := range harness.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			first := harness.New(t, engine, small)
			environment(first)
			first.Start()
			second := first.Beside()
			second.Data = first.Data
			refused(t, second, 10*time.Second, "another", first.Data)
			if out, err := first.CLI("incident", "create", service(0), "still here"); err != nil {
				t.Errorf("the first process does not answer any more: %v\n%s", err, out)
			}
		})
	}
}

func TestServe_SaysWhatIsWrongWithItsDataFolder(t *testing.T) {
	t.Parallel()
	place := func(t *testing.T) *harness.Toban {
		toban := harness.New(t, "sqlite", small)
		environment(toban)
		return toban
	}
	t.Run("it is a file", func(t *testing.T) {
		t.Parallel()
		toban := place(t)
		toban.Data = filepath.Join(toban.Data, "file")
		if err := os.WriteFile(toban.Data, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, toban, 10*time.Second, "data folder", toban.Data, "not a directory")
	})
	t.Run("it can't be made", func(t *testing.T) {
		t.Parallel()
		toban := place(t)
		toban.Data = "/proc/toban"
		refused(t, toban, 10*time.Second, "data folder", "/proc/toban")
	})
	t.Run("its store can't be opened", func(t *testing.T) {
		t.Parallel()
		toban := place(t)
		if err := os.Mkdir(filepath.Join(toban.Data, "toban.db"), 0o700); err != nil {
			t.Fatal(err)
		}
		refused(t, toban, 10*time.Second, "store", toban.Data)
	})
	t.Run("its store is something else", func(t *testing.T) {
		t.Parallel()
		toban := place(t)
		if err := os.WriteFile(filepath.Join(toban.Data, "toban.db"), bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, toban, 10*time.Second, "store", toban.Data, "not a database")
	})
	t.Run("its key is no key", func(t *testing.T) {
		t.Parallel()
		toban := place(t)
		toban.Env = append(toban.Env, "TOBAN_KEY=") // the file counts
		if err := os.WriteFile(filepath.Join(toban.Data, "key"), []byte("secret-that-nobody-may-read"), 0o600); err != nil {
			t.Fatal(err)
		}
		said := refused(t, toban, 10*time.Second, filepath.Join(toban.Data, "key"), "hexadecimal")
		if strings.Contains(said, "secret-that-nobody-may-read") {
			t.Errorf("it shows the key:\n%s", said)
		}
	})
}

// A folder that others may look into is closed when it is opened.
func TestServe_ClosesItsDataFolderToOthers(t *testing.T) {
	t.Parallel()
	toban := harness.New(t, "sqlite", small)
	environment(toban)
	if err := os.Chmod(toban.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	toban.Start()
	for path, want := range map[string]os.FileMode{toban.Data: 0o700, filepath.Join(toban.Data, "toban.sock"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", path, got, want)
		}
	}
	if err := toban.Stop(); err != nil {
		t.Errorf("got %v from a clean stop, want exit code 0", err)
	}
}
