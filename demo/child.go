package demo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// readyWithin is how long the child may take to answer.
const readyWithin = 20 * time.Second

// child is the demo's toban: a process of its own, so that it can be killed.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer // its end is the child's end, whatever becomes of us
	url   string
	done  chan struct{} // closed when the child has ended
	mu    sync.Mutex
	last  []string // of what it logged, for when it fails
}

// startChild runs `toban serve` and returns when it answers.
func startChild(ctx context.Context, program, config, data, url string) (*child, error) {
	c := &child{url: url, done: make(chan struct{})}
	c.cmd = exec.CommandContext(ctx, program, "serve", "--config", config, "--data", data, "--until-stdin-closes")
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.stdin = stdin
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() { // ends with the child's stderr
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			c.keep(lines.Text())
		}
		_ = c.cmd.Wait() // what it logged says more
		close(c.done)
	}()
	if err := c.ready(ctx); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *child) keep(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last = append(c.last, line); len(c.last) > 20 {
		c.last = c.last[1:]
	}
}

// ready waits until the child answers.
func (c *child) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/readyz", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-c.done:
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Errorf("toban ended at its start:\n%s", strings.Join(c.last, "\n"))
		case <-ctx.Done():
			return fmt.Errorf("toban did not answer at %s: %w", c.url, ctx.Err())
		case <-tick.C:
		}
	}
}

// stop ends the child and waits for it.
func (c *child) stop() {
	_ = c.stdin.Close() // gone already is as good
	select {
	case <-c.done:
	case <-time.After(5 * time.Second):
		_ = c.cmd.Process.Kill() // gone already is as good
		<-c.done
	}
}
