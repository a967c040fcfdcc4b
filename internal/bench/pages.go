package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"toban/internal/id"
	"toban/oncall"
)

// pageReaders is how many connections ask for pages, each for its next when the
// last has come.
const pageReaders = 2

// pagesAsked is how many pages of a kind are asked for at least, so that their
// p99 is not that of a handful; in a quick bench pagesAskedQuick.
const (
	pagesAsked      = 2000
	pagesAskedQuick = 200
)

// measurePages measures what people wait for, with a year of incidents in the
// store: the list in all its forms, one incident, and on the first engine that
// is asked for the stream of what changes and the weight of a first visit.
func measurePages(ctx context.Context, r *runner, engine string) (figures []Figure, err error) {
	s, err := r.newSite(ctx, engine, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(s, err) }()
	past, cookie, err := s.startWithPast(ctx, r.o.Past)
	if err != nil {
		return nil, err
	}
	reader := newPageReader(s.child.Address, cookie)
	defer reader.close()
	if figures, err = s.pageTimes(ctx, reader, past); err != nil {
		return nil, err
	}
	if engine != r.o.Engines[0] {
		return figures, nil
	}
	weights, err := s.weights(ctx, cookie, past)
	if err != nil {
		return nil, err
	}
	live, err := s.live(ctx, past)
	return append(append(figures, weights...), live...), err
}

// pageTimes asks for lists and incidents.
func (s *site) pageTimes(ctx context.Context, reader *pageReader, past *past) (figures []Figure, err error) {
	lists, err := listPages(ctx, reader, past)
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		name string
		next func(n int) page
	}{
		{"list", func(n int) page { return lists[n%len(lists)] }},
		{"incident", past.incidentPage},
		{otherPages, func(n int) page { path := others[n%len(others)]; return page{path, path} }},
	} {
		used := s.child.processor()
		took, err := reader.read(ctx, s.r.pagesAsked(), s.r.o.Duration, kind.next)
		if err != nil {
			return nil, fmt.Errorf("page.%s: %w", kind.name, err)
		}
		all := s.tellPages(kind.name, took, used)
		if kind.name == otherPages {
			continue // nobody waits for them at night; that none reads the whole past is said
		}
		name := fmt.Sprintf("page.%s.%s.", kind.name, s.engine)
		figures = append(figures,
			Figure{name + "p50", milliseconds(percentile(all, 0.5)), "ms"},
			Figure{name + "p99", milliseconds(percentile(all, 0.99)), "ms"})
	}
	return figures, nil
}

func (r *runner) pagesAsked() int {
	if r.o.Quick {
		return pagesAskedQuick
	}
	return pagesAsked
}

// otherPages are the rest of what people look at.
const otherPages = "other"

var others = [...]string{
	"/oncall", "/services", "/services/" + laterService, "/services/" + quietService, "/policies", "/policies/" + laterPolicy, "/schedules",
	"/settings", "/settings/audit", "/settings/sessions", "/settings/people", "/settings/tokens", "/settings/about", "/me", "/welcome", "/incidents/new",
}

// tellPages says how each form of a page did, since one that reads a whole table
// hides among the others.
func (s *site) tellPages(kind string, took map[string][]time.Duration, before time.Duration) (all []time.Duration) {
	worst := ""
	var slowest time.Duration
	for form, each := range took {
		all = append(all, each...)
		if p := percentile(each, 0.9); p > slowest {
			worst, slowest = form, p
		}
	}
	used := s.child.processor() - before
	s.r.say("page.%s.%s: %d pages, %d µs of processor in toban for each; the slowest form is %q, p90 %.1f ms",
		kind, s.engine, len(all), used.Microseconds()/int64(max(len(all), 1)), worst, milliseconds(slowest))
	return all
}

// page is one request; form says which of the many it is.
type page struct{ form, path string }

// nextPages is how far the list of everything is followed.
const nextPages = 10

// listPages are the forms of the list: what is open, everything and its next
// pages, and each filter with much, little and nothing to be found.
func listPages(ctx context.Context, reader *pageReader, past *past) (all []page, err error) {
	add := func(form, path string) { all = append(all, page{form, path}) }
	for next, n := "/?show=all", 0; next != "" && n < nextPages; n++ {
		add("all, page "+strconv.Itoa(n+1), next)
		if next, err = reader.next(ctx, next); err != nil {
			return nil, err
		}
	}
	for range nextPages { // somewhere in the year
		at := past.from.Add(rand.N(past.until.Sub(past.from)))
		add("all, far back", "/?show=all&cursor="+strconv.FormatInt(at.UnixMilli(), 10)+"."+id.At(id.Incident, at))
	}
	for _, show := range []string{"open", "all", "mine"} {
		for _, filter := range []string{
			"", "service=" + laterService, "service=" + past.service(7), "service=" + rareService, "urgency=low", "urgency=high",
			"state=triggered", "state=acknowledged", "state=resolved",
			"q=checkout", "q=no+title+says+this", "service=" + past.service(9) + "&urgency=low&q=certificate",
		} {
			add(strings.TrimSpace(show+" "+filter), "/?show="+show+"&"+filter)
		}
	}
	for range nextPages {
		add("all, by number", "/?show=all&q="+strconv.FormatInt(past.anyNumber(), 10))
	}
	for range len(all) / 2 { // what is looked at most
		add("open", "/")
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, nil
}

// incidentPage is one incident: half of them of the newest, which have a
// timeline, then any of the year, an open one, and the one with the long
// timeline and its second page.
func (p *past) incidentPage(n int) page {
	path := func(number int64) string { return "/incidents/" + strconv.FormatInt(number, 10) }
	switch n % 8 {
	case 0, 1:
		return page{"of the year", path(p.anyNumber())}
	case 2:
		return page{"open", path(p.open[rand.IntN(len(p.open))].number)}
	case 3:
		if n%16 == 3 {
			return page{"long, further back", path(p.open[0].number) + "?before=" + strconv.Itoa(longTimeline/2)}
		}
		return page{"long", path(p.open[0].number)}
	}
	return page{"resolved", path(p.newest())}
}

// pageReader is a browser as far as it matters here: a session, a few
// connections, packed answers.
type pageReader struct {
	address string
	header  http.Header
	client  *http.Client
}

func newPageReader(address, cookie string) *pageReader {
	h := http.Header{"Accept": {"text/html"}, "Accept-Encoding": {"gzip"}, "Accept-Language": {"ja,en;q=0.5"}}
	if cookie != "" {
		h.Set("Cookie", cookie)
	}
	return &pageReader{address: address, header: h, client: &http.Client{
		Timeout: answerWithin, Transport: &http.Transport{MaxIdleConnsPerHost: pageReaders, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // to the login, say: no page that was asked for
	}}
}

func (p *pageReader) close() { p.client.CloseIdleConnections() }

// read asks for pages on all connections until there are enough of them and the
// duration is over, and returns how long each took by its form.
func (p *pageReader) read(ctx context.Context, most int, duration time.Duration, next func(n int) page) (map[string][]time.Duration, error) {
	took := map[string][]time.Duration{}
	failed := make([]error, pageReaders)
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for i := range pageReaders {
		all.Go(func() {
			for n := i; ctx.Err() == nil && (n < most || time.Since(began) < duration); n += pageReaders {
				asked := next(n)
				sent := time.Now()
				if _, err := p.get(ctx, asked.path); err != nil {
					failed[i] = err
					return
				}
				d := time.Since(sent)
				mu.Lock()
				took[asked.form] = append(took[asked.form], d)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return took, errors.Join(append(failed, ctx.Err())...)
}

// anyNumber is the number of an incident of the year.
func (p *past) anyNumber() int64 { return p.first + rand.Int64N(p.last-p.first+1) }

// newest is the number of one that has a timeline.
func (p *past) newest() int64 { return p.last - rand.Int64N(min(timelines, p.last-p.first+1)) }

// openOne is an incident that is open.
type openOne struct {
	id     oncall.IncidentID
	number int64
}
