package browser_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// mostBusy is how many tests work on pages at once: more make each other slow on
// a small machine, and slow is what these tests must not find.
const mostBusy = 4

// atOnce is how many tests run at once; most of them wait for their turn, or for
// telephones to ring.
const atOnce = "16"

// chromium is the one browser of these tests.
type chromium struct {
	ctx         context.Context
	screenshots string
	turns       chan struct{}

	mu     sync.Mutex
	inside map[*testing.T]bool
}

// turn waits until it is the test's turn to work on pages, and holds it until
// the test's end, however many tabs it opens.
func turn(t *testing.T) *chromium {
	t.Helper()
	c := idle(t)
	if c == nil {
		c, _ = start()
		return c // it has its turn, or needs none
	}
	c.turns <- struct{}{}
	t.Cleanup(func() { <-c.turns })
	return c
}

// idle lets a test that mostly waits go on without a turn; it returns nil when
// that is settled already.
func idle(t *testing.T) *chromium {
	t.Helper()
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inside[t] {
		return nil
	}
	c.inside[t] = true
	return c
}

// start is the browser, started by the first test that needs it. It has to be a
// variable of the package: tests know nothing of each other, and a browser takes
// a second and 100 MB.
var start = sync.OnceValues(func() (*chromium, error) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		return nil, errors.New("these tests look at the pages in Chromium, and it is not on this machine: run `make test` or tools/servers.sh, " +
			"or apt-get install chromium fonts-noto-cjk")
	}
	folder := os.Getenv("TOBAN_SCREENSHOTS")
	if folder == "" {
		folder = filepath.Join(os.TempDir(), "toban-screenshots")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("accept-lang", "en"), chromedp.Flag("lang", "en"))
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...) //nolint:govet // finish ends it
	ctx, _ = chromedp.NewContext(ctx)                                     //nolint:govet // finish ends it
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return &chromium{ctx: ctx, screenshots: folder, turns: make(chan struct{}, mostBusy), inside: map[*testing.T]bool{}}, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	code := m.Run()
	if browser, err := start(); err == nil {
		fmt.Println("screenshots:", browser.screenshots)
		ctx, cancel := context.WithTimeout(browser.ctx, 10*time.Second)
		_ = chromedp.Cancel(ctx) // what is left of it goes with this process
		cancel()
	}
	os.Exit(code)
}
