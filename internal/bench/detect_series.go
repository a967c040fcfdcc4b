package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"toban/internal/remotewrite"
)

const (
	// seriesAtStart are there when it is measured how soon they are ready, and
	// pastAtStart is how long they have had samples.
	seriesAtStart = 10_000
	pastAtStart   = 2 * time.Hour
	// seriesOnDisk have samples for pastOnDisk: enough for a block of two hours.
	seriesOnDisk = 1000
	pastOnDisk   = 5 * time.Hour
	toRest       = 30 * time.Second
	feedAhead    = 100_000 // samples that may wait to be sent
)

// bytesPerSample is what a sample takes in a block of two hours: what checks of
// real targets have measured, in the order of chance.
func (r *runner) bytesPerSample(ctx context.Context) (figures []Figure, err error) {
	dir, err := os.MkdirTemp("", "toban-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var samples, bytes int64
	err = r.filled(ctx, filepath.Join(dir, "metrics"), r.scaled(seriesOnDisk), pastOnDisk, func() error {
		return patiently(ctx, toRest, func() (done bool, err error) {
			samples, bytes, err = blocks(filepath.Join(dir, "metrics"))
			return samples > 0, err
		})
	})
	if err == nil && samples == 0 {
		err = fmt.Errorf("no block was written within %s", toRest)
	}
	if err != nil {
		return nil, err
	}
	return []Figure{{"bytes_per_sample", float64(bytes) / float64(samples), "B"}}, nil
}

// scaled is n as it is with the usual number of targets.
func (r *runner) scaled(n int) int { return n * r.targets() / targetsThere }

// startSeries is how soon a toban with two hours of 10,000 series answers both
// to its users and to questions about them.
func (r *runner) startSeries(ctx context.Context) (figures []Figure, err error) {
	w, err := r.watchTargets(ctx, 1, func(t *targets) []string {
		return []string{fmt.Sprintf("t0: { http: %q, every: 15s, service: %s, private: true }", t.url(0), quietService)}
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(w.site, err) }()
	if err := w.run(ctx); err != nil { // the store is set up, so that only the series are new
		return nil, err
	}
	if err := w.stop(); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(w.data(), "metrics")); err != nil {
		return nil, err
	}
	if err := r.filled(ctx, filepath.Join(w.data(), "metrics"), r.scaled(seriesAtStart), pastAtStart, func() error { return nil }); err != nil {
		return nil, err
	}
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	return []Figure{{"start_10k_series.ready", time.Since(w.began).Seconds(), "s"}}, nil
}

// filled runs a metrics process on a folder, gives it about n series of checks
// that were made until now, waits for after and ends it.
func (r *runner) filled(ctx context.Context, dir string, n int, past time.Duration, after func() error) (err error) {
	checks, err := r.record(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	socket := filepath.Join(filepath.Dir(dir), "feed.sock")
	cmd := exec.Command(r.o.Program[0], "metrics", "--data", dir, "--listen", "unix:"+socket, "--until-stdin-closes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = stdin.Close()                  // it ends with its input, which may have been closed already
		_, _ = io.Copy(io.Discard, stdout) // and its output with it
		err = errors.Join(err, cmd.Wait())
	}()
	defer context.AfterFunc(ctx, func() { _ = stdin.Close() })()
	for lines := bufio.NewScanner(stdout); lines.Scan() && lines.Text() != "ready"; {
	}
	to := remotewrite.Target{URL: "http://metrics/prometheus/api/v1/write", Socket: socket}
	sender := remotewrite.New(remotewrite.Options{Target: to, Log: slog.New(slog.DiscardHandler), Queue: 2 * feedAhead})
	sending, stop := context.WithCancel(ctx)
	sent := make(chan error, 1)
	go func() { sent <- sender.Run(sending) }() // ends with stop
	err = feed(ctx, sender, checks, n, past)
	stop()
	err = errors.Join(err, <-sent)
	if s := sender.Stats(); err == nil && (s.Dropped > 0 || s.Refused > 0 || s.Sent == 0) {
		err = fmt.Errorf("of the samples %d were taken, %d refused and %d dropped", s.Sent, s.Refused, s.Dropped)
	}
	if err != nil {
		return err
	}
	return after()
}

// feed hands about n series with samples every 15 s to a sender, as fast as it
// sends.
func feed(ctx context.Context, sender *remotewrite.Sender, of *recording, n int, past time.Duration) error {
	var monitors []*replay
	for i := 0; i*len(of.series) < n; i++ {
		one, err := of.replay(i)
		if err != nil {
			return err
		}
		monitors = append(monitors, one)
	}
	var count uint64
	var batch []remotewrite.Sample
	chance := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in every run
	now := time.Now()
	for at := now.Add(-past); at.Before(now); at = at.Add(probeEvery) {
		for i, m := range monitors {
			batch = m.next(batch[:0], at.Add(time.Duration(i)*time.Millisecond), chance.IntN(of.checks))
			sender.Append(batch)
			count += uint64(len(batch))
		}
		for sender.Stats().Waiting > feedAhead {
			if !until(ctx, time.Now().Add(time.Millisecond)) {
				return ctx.Err()
			}
		}
	}
	return patiently(ctx, toRest, func() (bool, error) { return sender.Stats().Sent >= count, nil })
}

// blocks are the samples in the blocks of a folder, and the bytes of these.
func blocks(dir string) (samples, bytes int64, err error) {
	all, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	if err != nil {
		return 0, 0, err
	}
	for _, path := range all {
		if strings.Contains(path, ".tmp") {
			continue // it is being written
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, 0, err
		}
		var meta struct {
			Stats struct {
				NumSamples int64 `json:"numSamples"`
			} `json:"stats"`
		}
		if err := json.Unmarshal(text, &meta); err != nil {
			return 0, 0, err
		}
		samples += meta.Stats.NumSamples
		err = filepath.WalkDir(filepath.Dir(path), func(_ string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				bytes += info.Size()
			}
			return err
		})
		if err != nil {
			return 0, 0, err
		}
	}
	return samples, bytes, nil
}
