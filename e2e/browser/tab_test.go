package browser_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a test waits for what has to happen at once, and a tab's
// life.
const (
	patience = 15 * time.Second
	lifetime = 4 * time.Minute
)

// tab is one page with cookies of its own, watched.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string // of the installation
	lang string
	size size

	close context.CancelFunc

	mu       sync.Mutex
	hosts    []string // that it may ask
	trouble  []string
	forgiven []string // parts of what may go wrong
}

// size is the screen that a tab has.
type size struct {
	name          string
	width, height int64
	touch         bool
}

// The two screens that every page is made for.
func phone() size   { return size{"390", 390, 844, true} }
func desktop() size { return size{"1280", 1280, 800, false} }

// open opens a tab for an installation. It ends with the test, which fails if
// anything went wrong on its pages.
func open(t *testing.T, base string, screen size) *tab {
	t.Helper()
	browser := turn(t)
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	b := &tab{t: t, base: base, size: screen, hosts: []string{at.Host}}
	b.close = cancel
	t.Cleanup(b.end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(ctx, lifetime)
	t.Cleanup(stop)
	b.ctx = ctx
	if err := chromedp.Listen(ctx, b.watch); err != nil {
		t.Fatal(err)
	}
	options := []chromedp.EmulateViewportOption{}
	if screen.touch {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	b.do(chromedp.EmulateViewport(screen.width, screen.height, options...))
	return b
}

// end closes the tab, and fails the test if anything went wrong in it.
func (b *tab) end() {
	b.t.Helper()
	b.close()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, each := range b.trouble {
		b.t.Error(each)
	}
	b.trouble = nil
}

// watch hears what the page does. It must not wait for anything.
func (b *tab) watch(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if at, err := url.Parse(e.Request.URL); err == nil && strings.HasPrefix(at.Scheme, "http") && !slices.Contains(b.hosts, at.Host) {
			b.wrong("a request to another host: %s", e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			b.wrong("%d for %s", e.Response.Status, e.Response.URL)
		}
	case *network.EventLoadingFailed:
		if !e.Canceled && e.ErrorText != "net::ERR_ABORTED" {
			b.wrong("a request failed: %s", e.ErrorText)
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.wrong("exception: %s", text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "assert" || e.Type == "warning" {
			b.wrong("console: %s", said(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Source == "security" {
			b.wrong("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		b.wrong("a box of the browser: %s", e.Message)
	}
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, string(a.Value)+a.Description)
	}
	return strings.Join(words, " ")
}

// wrong keeps what went wrong, unless it was to be expected.
func (b *tab) wrong(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	for _, part := range b.forgiven {
		if strings.Contains(text, part) {
			return
		}
	}
	b.trouble = append(b.trouble, text)
}

// expect forgives from now on what contains one of the parts.
func (b *tab) expect(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgiven = append(b.forgiven, parts...)
}

// may lets the tab ask another installation's address as well.
func (b *tab) may(base string) {
	b.t.Helper()
	at, err := url.Parse(base)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts = append(b.hosts, at.Host)
}

// do does what a hand or an eye does, and fails when it can't be done in time.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.seen())
	}
}

// seen is what the page says, for the text of a failure.
func (b *tab) seen() string {
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + location.search + "\n" + (document.body?.innerText ?? "")`))
	if err != nil {
		return err.Error()
	}
	return text
}

// visit opens a page of the installation.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// speak chooses the language as a browser without an account keeps it.
func (b *tab) speak(lang string) {
	b.t.Helper()
	b.lang = lang
	b.cookie("toban_language", lang)
}

// cookie sets a cookie of the installation.
func (b *tab) cookie(name, value string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.base, HTTPOnly: new(true)}); err != nil {
		b.t.Fatal(err)
	}
}

// session is the secret of whoever has signed in here.
func (b *tab) session() string {
	b.t.Helper()
	got, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.base}})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range got.Cookies {
		if c.Name == "toban" {
			return c.Value
		}
	}
	b.t.Fatalf("nobody is signed in\n%s", b.seen())
	return ""
}

// darken makes the device prefer dark pages, or light ones.
func (b *tab) darken(theme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// unscripted switches scripts off.
func (b *tab) unscripted() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.t.Fatal(err)
	}
}

// eval is what a script gives, or its promise.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", script, err, b.seen())
	}
	return value
}

// until waits until a script says true, over navigations too.
func (b *tab) until(script string) {
	b.t.Helper()
	b.within(patience, script)
}

func (b *tab) within(most time.Duration, script string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, most)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		met, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`Boolean(`+script+`)`))
		if err == nil && met {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("after %s still not: %s (%v)\n%s", most, script, last, b.seen())
		}
	}
}

// says waits until the page says a text.
func (b *tab) says(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.body?.innerText.includes(%q)`, text))
}

// click clicks what a selector finds; a finger taps it.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, selector))
	if b.size.touch {
		b.do(chromedp.Tap(chromedp.CSS(selector)))
	} else {
		b.do(chromedp.Click(chromedp.CSS(selector)))
	}
}

// hit clicks or taps a place.
func (b *tab) hit(x, y float64) {
	b.t.Helper()
	if b.size.touch {
		b.do(chromedp.TapXY(x, y))
	} else {
		b.do(chromedp.MouseClickXY(x, y))
	}
}

// fill types into a field, in the place of what is in it.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.set(selector, "")
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// set chooses the value of a field, as a menu or a calendar of the browser does.
func (b *tab) set(selector, value string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector(%q)`, selector))
	eval[bool](b, fmt.Sprintf(`(() => {
		const el = document.querySelector(%q);
		el.value = %q;
		for (const type of ["input", "change"]) el.dispatchEvent(new Event(type, { bubbles: true }));
		return true;
	})()`, selector, value))
}

// press presses keys, wherever the focus is.
func (b *tab) press(keys string) {
	b.t.Helper()
	for _, r := range keys {
		events := kb.Encode(r)
		down, up := *events[0], *events[len(events)-1]
		if len(events) == 3 { // what it types goes with the key, so that a page can keep it from being typed
			down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
		}
		for _, e := range []input.DispatchKeyEventParams{down, up} {
			if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, e); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

// shoot keeps a picture of the whole page.
func (b *tab) shoot(name string) {
	b.t.Helper()
	browser, err := start()
	if err != nil {
		b.t.Fatal(err)
	}
	eval[bool](b, `(scrollTo(0, 0), true)`) // what sticks to the top belongs there
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	picture, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true), OptimizeForSpeed: new(true)})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(browser.screenshots, name+".png"), picture.Data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
