package web

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"toban/access"
	"toban/internal/promapi"
	"toban/oncall"
	"toban/web/view"
)

// exploreRoutes are the pages that ask a Prometheus.
func (a *Web) exploreRoutes() []route {
	return []route{{http.MethodGet, "/explore", access.Viewer, a.explorePage}}
}

// Bounds of what is asked.
const (
	explorePoints = 400 // of a line, at most
	exploreUsual  = 300 // where no step is asked for
	leastSpan     = time.Minute
	mostSpan      = 400 * 24 * time.Hour
	leastStep     = time.Second
)

// explorePage asks what somebody has typed, now and over a span of time.
func (a *Web) explorePage(w http.ResponseWriter, r *http.Request, s *request) error {
	page, err := s.readExplore(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), promapi.Timeout+2*time.Second)
	defer cancel()
	p := s.managed(s.t("explore.head"), "explore")
	if err := a.explore(ctx, p, &page); err != nil {
		return err
	}
	return s.draw(w, r, http.StatusOK, view.ExplorePage(p, page))
}

// readExplore reads what is asked. A span that can't be read is the usual one: it
// comes from links.
func (s *request) readExplore(r *http.Request) (e view.Explore, err error) {
	q := r.URL.Query()
	e = view.Explore{Expr: strings.TrimSpace(strings.ReplaceAll(q.Get("expr"), "\r\n", "\n")), Span: time.Hour, Steps: query(r, "step")}
	if len(e.Expr) > promapi.MaxExpression || strings.ContainsRune(e.Expr, 0) {
		return e, errExpression
	}
	e.Expr = strings.ToValidUTF8(e.Expr, "?")
	if span, ok := promSpan(query(r, "range")); ok && span >= leastSpan && span <= mostSpan {
		e.Span = span
	}
	if at, err := strconv.ParseInt(query(r, "at"), 10, 64); err == nil {
		if t := time.Unix(at, 0).UTC(); sane(t) && t.Before(s.now) {
			e.At = t
		}
	}
	e.Step = view.StepFor(e.Span, exploreUsual)
	if e.Steps == "" {
		return e, nil
	}
	least := max(leastStep, view.StepFor(e.Span, explorePoints))
	switch step, ok := promSpan(e.Steps); {
	case !ok || step > e.Span:
		e.StepWrong = s.t("explore.step.wrong")
	case step < leastStep || e.Span/step > explorePoints:
		e.StepWrong = s.t("explore.step.small", "least", view.Span(s.lang, least), "n", strconv.Itoa(explorePoints))
	default:
		e.Step = step
	}
	return e, nil
}

var errExpression = &oncall.Error{Kind: oncall.TooLarge, Code: "metrics.too_large", Message: "the query is longer than 8 KiB"}

// explore asks, and fills the page with what comes back. What a reader can mend
// is on the page; an error is only what nobody foresaw.
func (a *Web) explore(ctx context.Context, p view.Shell, e *view.Explore) error {
	e.Said = view.Explain(p, e.Expr)
	e.Grows = view.Grows(e.Expr)
	client, err := a.prometheus()
	if err != nil {
		return e.Fail(p, err)
	}
	from := e.End(p).Add(-e.Span)
	names, err := client.LabelValues(ctx, "__name__", from)
	if err != nil {
		return e.Fail(p, err)
	}
	e.Names = names
	if e.Expr == "" {
		e.Examples = view.ExamplesOf(p, names)
		return nil
	}
	if e.StepWrong != "" {
		return nil
	}
	var now, over promapi.Answer
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() (err error) { now, err = client.Query(ctx, e.Expr, e.End(p)); return err })
	both.Go(func() (err error) {
		over, err = client.Range(ctx, e.Expr, from, e.End(p), e.Step)
		return err
	})
	if err := both.Wait(); err != nil {
		return e.Fail(p, err)
	}
	e.Result = view.ExploreResultOf(p, *e, now, over)
	return nil
}

var errNoMetrics = &oncall.Error{Kind: oncall.NotFound, Code: "metrics.off", Message: "toban works with no Prometheus; write the section `metrics` to run one or to name yours"}

// prometheus is the one that there is at the moment.
func (a *Web) prometheus() (*promapi.Client, error) {
	if a.Metrics == nil {
		return nil, errNoMetrics
	}
	return a.Metrics()
}

var (
	spanText = regexp.MustCompile(`^(?:\d{1,9}(?:ms|[smhdw]))+$`)
	spanPart = regexp.MustCompile(`(\d+)(ms|[smhdw])`)
)

// promSpan reads a length of time as PromQL writes it, 90s, 1h30m, 7d, or a number of
// seconds.
func promSpan(text string) (time.Duration, bool) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return time.Duration(n * float64(time.Second)), n > 0 && n <= mostSpan.Seconds()
	}
	const longest = 40
	if len(text) > longest || !spanText.MatchString(text) {
		return 0, false
	}
	units := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
	var sum time.Duration
	for _, part := range spanPart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseInt(part[1], 10, 64)
		if unit := units[part[2]]; err != nil || n > int64(mostSpan/unit) {
			return 0, false
		}
		sum += time.Duration(n) * units[part[2]]
		if sum > mostSpan {
			return 0, false
		}
	}
	return sum, sum > 0
}
