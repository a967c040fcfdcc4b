package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"toban/internal/lockfile"
	"toban/internal/wholefile"
)

// Data is the folder in which one toban keeps what is its own: the store of the
// embedded engine, the key file and the socket. Only its owner may look inside.
type Data struct{ Dir string }

// OpenData makes the folder where it is missing and takes other people's
// permissions away where it is too open.
func OpenData(dir string) (Data, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Data{}, fmt.Errorf("data folder: %w", err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return Data{}, fmt.Errorf("data folder: %w", err)
	}
	if err := os.Chmod(abs, 0o700); err != nil { //nolint:gosec // a folder needs its x
		return Data{}, fmt.Errorf("data folder: %w", err)
	}
	return Data{abs}, nil
}

// Lock makes this process the only one in the folder until unlock is called or
// the process ends, whatever way: a second one would take the command line's
// socket away, and on PostgreSQL nothing else would notice it.
func (d Data) Lock() (unlock func() error, err error) {
	l, err := lockfile.Take(filepath.Join(d.Dir, "lock"))
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, fmt.Errorf("data folder %s: another toban runs here; each process needs a folder of its own (--data)", d.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return l.Release, nil
}

// Store is the data source name of the embedded store.
func (d Data) Store() string { return "sqlite:" + filepath.Join(d.Dir, "toban.db") }

// Socket is where the command line finds a running toban.
func (d Data) Socket() string { return filepath.Join(d.Dir, "toban.sock") }

// Metrics is the folder of the embedded Prometheus.
func (d Data) Metrics() string { return filepath.Join(d.Dir, "metrics") }

// MetricsRules is the folder of the rules that toban itself writes for it.
func (d Data) MetricsRules() string { return filepath.Join(d.Dir, "monitor-rules") }

// oldMetricsRules is where earlier versions wrote them. They read all that is in
// there and write one file only: they would take up what another version left.
func (d Data) oldMetricsRules() string { return filepath.Join(d.Dir, "metrics-rules") }

// MetricsSocket is where the embedded Prometheus answers.
func (d Data) MetricsSocket() string { return filepath.Join(d.Dir, "metrics.sock") }

// AlertsSocket is where it posts its alerts and reads the core's own metrics;
// nothing else is answered.
func (d Data) AlertsSocket() string { return filepath.Join(d.Dir, "core.sock") }

// Key returns the installation's secret, 32 bytes that callback tokens are made
// with: from the environment (TOBAN_KEY, 64 hexadecimal digits) or from a file
// that is written at the first start. Nodes that share a store must share it.
func (d Data) Key(env string) ([]byte, error) {
	if env != "" {
		return readKey(env, "TOBAN_KEY")
	}
	path := filepath.Join(d.Dir, "key")
	raw, err := os.ReadFile(path)
	if err == nil {
		return readKey(string(raw), path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("key file: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := wholefile.Write(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return key, nil
}

func readKey(text, from string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s must hold 64 hexadecimal digits; make one with: openssl rand -hex 32", from)
	}
	return key, nil
}
