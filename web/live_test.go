package web_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/oncall"
)

// stream is an open stream of a page, as a browser follows it.
type stream struct {
	t     *testing.T
	lines chan string
}

// follow opens the stream that a page names.
func (b *browser) follow(t *testing.T, path string) *stream {
	t.Helper()
	page := b.page(path)
	address := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(page)
	if address == nil {
		t.Fatalf("%s has no stream", path)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.at+strings.ReplaceAll(address[1], "&amp;", "&"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Language", b.lang)
	client := *b.client
	client.Timeout = 0
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("the stream of %s = %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
	}
	s := &stream{t: t, lines: make(chan string, 1000)}
	done := make(chan struct{})
	go func() { // ends with the response's body
		defer close(done)
		scan := bufio.NewScanner(res.Body)
		scan.Buffer(nil, 4<<20)
		for scan.Scan() {
			select {
			case s.lines <- scan.Text():
			case <-ctx.Done(): // nobody reads on
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		res.Body.Close()
		<-done
	})
	return s
}

// wait returns what came until all of it was said.
func (s *stream) wait(wants ...string) string {
	s.t.Helper()
	var all strings.Builder
	late := time.After(10 * time.Second)
	for {
		missing := ""
		for _, want := range wants {
			if !strings.Contains(all.String(), want) {
				missing = want
			}
		}
		if missing == "" {
			return all.String()
		}
		select {
		case line := <-s.lines:
			all.WriteString(line + "\n")
		case <-late:
			s.t.Fatalf("the stream does not say %q:\n%s", missing, text(all.String()))
		}
	}
}

func TestTheListIsLive(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser("ume", access.Responder)
		s := b.follow(t, "/")
		inc := h.open("checkout", "fresh thing", oncall.Critical)
		got := s.wait("fresh thing", `id="counts"`, `data-into="triggered"`)
		has(t, got, `id="inc-`+string(inc.ID)+`"`, `data-order="`)
		b.post("/incidents/" + number(inc) + "/acknowledge")
		s.wait(`data-into="acknowledged"`, "Ume has it")
		b.post("/incidents/" + number(inc) + "/resolve")
		s.wait(`data-into="resolved"`)
		mine := b.follow(t, "/?show=mine")
		other := h.open("checkout", "mine now", oncall.Critical)
		b.post("/incidents/" + number(other) + "/acknowledge")
		mine.wait("mine now")
		b.post("/incidents/" + number(other) + "/resolve")
		mine.wait(`<template data-remove="inc-` + string(other.ID) + `">`)
	})
}

func TestAnIncidentIsLive(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		inc := h.open("checkout", "down", oncall.Critical)
		b := h.browser("ume", access.Responder)
		s := b.follow(t, "/incidents/"+number(inc))
		if _, err := h.life.Note(t.Context(), inc.ID, "restarting now", "take", "cli"); err != nil {
			t.Fatal(err)
		}
		s.wait("restarting now", `id="lines"`)
		if _, err := h.life.Acknowledge(t.Context(), inc.ID, "take", "cli"); err != nil {
			t.Fatal(err)
		}
		s.wait("竹 has it", `id="inc-head"`, `id="act-box"`, `id="next"`)
	})
}

func TestTheSignedPageIsLive(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", "down", oncall.Critical)
	s := h.browser("", "").follow(t, "/i/"+h.token(inc.ID, "matsu", zero))
	if _, err := h.life.Acknowledge(t.Context(), inc.ID, "take", "cli"); err != nil {
		t.Fatal(err)
	}
	s.wait("竹さんが対応中", `id="signed"`)
}

func TestASessionThatEndsEndsItsStreams(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	s := b.follow(t, "/")
	s.wait("event: beat")
	b.post("/logout")
	s.wait("event: reload")
}

func TestAHandOverIsSeenOnOpenPagesThoughNothingWasChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	from := time.Now().Add(3 * time.Second)
	ctx := access.With(t.Context(), access.Principal{Account: "ume", User: "ume", Role: access.Responder, Via: access.ViaPage})
	if _, err := h.edit.CreateOverride(ctx, oncall.Override{Schedule: "infra", User: "ume", By: "ume", From: from, To: from.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	list, duty := b.follow(t, "/"), b.follow(t, "/oncall")
	list.wait(`id="duty"`, "You are on call for infra")
	duty.wait("Ume")
	if time.Now().Before(from) {
		t.Error("it was seen before it began")
	}
}

func TestWhatATextFindsIsTheSameOnTheListAndOnItsStream(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser("ume", access.Responder)
		for _, text := range []string{"É", "ＡＢＣ", "é", "abc", "xyz"} {
			s := b.follow(t, "/?show=all&q="+url.QueryEscape(text))
			inc := h.open("checkout", "É ＡＢＣ xyz", oncall.Critical)
			got := s.wait(`id="incidents"`)
			row := `id="inc-` + string(inc.ID) + `"`
			if found, shown := strings.Contains(b.page("/?show=all&q="+url.QueryEscape(text)), row), strings.Contains(got, row); found != shown {
				t.Errorf("%q: found is %v, shown live is %v, want the same", text, found, shown)
			}
		}
	})
}

func TestEndingAllOtherSessionsEndsTheirStreams(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	here := h.browser("ume", access.Responder)
	there := h.browser("", "")
	there.post("/login", "account", "ume", "password", password)
	has(t, there.page("/me"), "Ume")
	s := there.follow(t, "/")
	s.wait("event: beat")
	has(t, here.page("/settings/sessions"), "End all others")
	got := here.post("/settings/sessions/end-others")
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/settings/sessions" {
		t.Fatalf("ending all others = %d to %q", got.status, got.header.Get("Location"))
	}
	page := here.page("/settings/sessions")
	has(t, page, "All other sessions of yours have ended")
	hasNot(t, page, "End all others")
	if got := there.get("/me"); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/login") {
		t.Errorf("with an ended session = %d to %q, want the login", got.status, got.header.Get("Location"))
	}
	s.wait("event: reload")
}

func TestWhatIsSaidOfAnEmptyListIsLiveToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	s := b.follow(t, "/")
	inc := h.open("checkout", "first one", oncall.Critical)
	s.wait(`id="incidents-none"`, "Incidents in the last 7 days: 1")
	b.post("/incidents/" + number(inc) + "/resolve")
	has(t, b.page("/"), "Nothing needs you", "Incidents in the last 7 days: 1", `week-some`)
	hasNot(t, b.page("/?show=all"), "week-day")
}
