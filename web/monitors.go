package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/access"
	"toban/config"
	"toban/detect"
	"toban/detect/probe"
	"toban/detect/standing"
	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// monitorRoutes are the pages of what toban sees by itself.
func (a *Web) monitorRoutes() []route {
	return []route{
		{"GET", "/monitors", access.Viewer, a.monitorsPage},
		{"POST", "/monitors", access.Manager, a.quickMonitor},
		{"GET", "/monitors/new", access.Manager, a.newMonitorPage},
		{"POST", "/monitors/new", access.Manager, a.saveNewMonitor},
		{"GET", "/monitors/{id}", access.Viewer, a.monitorPage},
		{"POST", "/monitors/{id}/check", access.Responder, a.checkMonitor},
		{"GET", "/monitors/{id}/edit", access.Manager, a.editMonitorPage},
		{"POST", "/monitors/{id}/edit", access.Manager, a.saveMonitor},
		{"POST", "/monitors/{id}/pause", access.Manager, a.pauseMonitor},
		{"POST", "/monitors/{id}/resume", access.Manager, a.resumeMonitor},
		{"POST", "/monitors/{id}/delete", access.Manager, a.deleteMonitor},
	}
}

// calendar is the installation's own.
func (s *request) calendar() *time.Location { return s.dir.Settings.Location() }

// monitorsPage lists the monitors.
func (a *Web) monitorsPage(w http.ResponseWriter, r *http.Request, s *request) error {
	if a.Monitors == nil {
		return errNoPage
	}
	f := readMonitorFilter(r.URL.Query())
	q := f.pairs()
	p := s.managed(s.t("monitors.title"), "monitors", append([]string{"view", "monitors"}, q...)...)
	page, err := a.readMonitors(r.Context(), s, p, f.MonitorFilter)
	if err != nil {
		return err
	}
	return s.draw(w, r, http.StatusOK, view.MonitorsPage(p, page))
}

// monitorQuery is the filter of an address.
type monitorQuery struct{ view.MonitorFilter }

func readMonitorFilter(q url.Values) monitorQuery {
	f := view.MonitorFilter{Kind: limited(q.Get("kind")), Service: limited(q.Get("service")), Text: limited(q.Get("q"))}
	if state := standing.State(q.Get("state")); slices.Contains(standing.States(), state) {
		f.State = string(state)
	}
	const most = 10_000 // monitors
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 && n <= most {
		f.Page = n
	}
	return monitorQuery{f}
}

// pairs are the values of the stream's address.
func (f monitorQuery) pairs() (all []string) {
	for _, p := range [][2]string{{"state", f.State}, {"kind", f.Kind}, {"service", f.Service}, {"q", f.Text}} {
		if p[1] != "" {
			all = append(all, p[0], p[1])
		}
	}
	if f.Page > 1 {
		all = append(all, "page", strconv.Itoa(f.Page))
	}
	return all
}

// readMonitors is a page of the list as it stands now.
func (a *Web) readMonitors(ctx context.Context, s *request, p view.Shell, f view.MonitorFilter) (view.Monitors, error) {
	all, err := a.Monitors.All(ctx)
	if err != nil {
		return view.Monitors{}, err
	}
	picked, counts := view.PickMonitors(all, f, s.serviceOf)
	part := view.PageOfMonitors(picked, f.Page)
	ids := make([]oncall.MonitorID, 0, len(part))
	for i := range part {
		ids = append(ids, part[i].Monitor.ID)
	}
	past, err := a.Monitors.Histories(ctx, ids, s.now, s.calendar())
	if err != nil {
		return view.Monitors{}, err
	}
	page := view.MonitorsOf(p, s.dir, f, picked, part, counts, past, len(all))
	page.MayEdit = s.who.Role.Includes(access.Manager)
	page.NotKept = a.DB.Failing()
	return page, nil
}

// serviceOf is the service that a monitor's alerts go to, "" for none.
func (s *request) serviceOf(m *oncall.Monitor) oncall.ServiceID {
	if svc := s.serviceFor(m); svc != nil {
		return svc.ID
	}
	return ""
}

func (s *request) serviceFor(m *oncall.Monitor) *oncall.Service {
	if svc := s.dir.Service(m.Service); svc != nil {
		return svc
	}
	svc, _ := s.dir.Route(detect.Labels(m))
	return svc
}

// quickMonitor makes a monitor of one field, asks its target at once and says
// what came back.
func (a *Web) quickMonitor(w http.ResponseWriter, r *http.Request, s *request) error {
	if a.Monitors == nil {
		return errNoPage
	}
	if whole := strings.TrimSpace(r.PostForm.Get("target")); len(whole) > oncall.MaxTarget { // form would cut it to another one
		f := view.NewMonitor{Target: limited(whole), Kind: form(r, "kind"), Private: r.PostForm.Get("private") != ""}
		return a.drawQuick(w, r, s, f, "target", s.t("monitors.target.long"))
	}
	f := view.NewMonitor{Target: strings.TrimSpace(r.PostForm.Get("target")), Kind: form(r, "kind"), Private: r.PostForm.Get("private") != ""}
	kind, target, wrong := quickTarget(f)
	switch {
	case wrong != "":
		return a.drawQuick(w, r, s, f, "target", s.t(wrong))
	case !f.Private && isPrivate(target):
		return a.drawQuick(w, r, s, f, "private", s.t("monitors.private.needed"))
	}
	body, err := quickBody(kind, target, f.Private)
	if err != nil {
		return err
	}
	name, err := a.freeName(r.Context(), target)
	if err != nil {
		return err
	}
	var tried *probe.Result
	if r.PostForm.Get("anyway") != f.Tried() {
		tried, err = a.tryFirst(r.Context(), s, name, body)
		if e := public(err); err != nil && e.Kind == oncall.Invalid {
			return a.drawQuick(w, r, s, f, "target", s.unfit(e))
		} else if err != nil {
			return err
		}
		if tried != nil && !tried.Up {
			f.Answer = view.CheckOf(s.shell("", ""), tried)
			return a.drawQuick(w, r, s, f, "", "")
		}
	}
	m, err := a.Edit.PutMonitor(r.Context(), name, body)
	if e := public(err); err != nil && e.Kind == oncall.Invalid {
		return a.drawQuick(w, r, s, f, "target", s.unfit(e))
	} else if err != nil {
		return err
	}
	if err := a.Monitors.Follow(r.Context()); err != nil {
		a.Log.WarnContext(r.Context(), "a new monitor is watched a moment later", "err", err)
	}
	s.sayFirst(w, m, tried)
	return s.redirect(w, r, view.MonitorPath(m.ID))
}

// tryFirst asks the target of a monitor before it is one: what is mistyped would
// be an incident a moment later. nil when it can't be asked just now, which keeps
// nobody from watching.
func (a *Web) tryFirst(ctx context.Context, s *request, name string, body []byte) (*probe.Result, error) {
	m, problems := config.ReadMonitor(name, body, s.dir, nil)
	if m == nil {
		return nil, &oncall.Error{Kind: oncall.Invalid, Code: "monitor.invalid", Message: firstError(problems)}
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	res, err := a.Monitors.Try(ctx, m)
	if e := public(err); err != nil && e.Kind == oncall.Limited {
		return nil, nil
	}
	return res, err
}

func firstError(problems []config.Problem) string {
	for _, p := range problems {
		if p.Severity == config.Error {
			return p.Message
		}
	}
	return ""
}

// unfit says in the reader's language why a monitor can't be made of a form.
func (s *request) unfit(e *oncall.Error) string {
	words := said(s.lang, e)
	if e.Code == "monitor.invalid" {
		p := view.ProblemOf(s.shell("", ""), 0, e.Message)
		if words = p.Text; p.English != "" {
			words = p.English
		}
		return s.t("monitors.target.unfit", "why", words)
	}
	return words
}

// tellFirst asks the target of a new monitor and says what came back, once.
func (a *Web) tellFirst(w http.ResponseWriter, r *http.Request, s *request, m *oncall.Monitor) {
	ctx := r.Context()
	var res *probe.Result
	if err := a.Monitors.Follow(ctx); err == nil && m.Kind.Probes() {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		if res, err = a.Monitors.Check(ctx, m.ID); err != nil {
			res = nil
		}
	}
	s.sayFirst(w, m, res)
}

// sayFirst says what came back of a monitor that was just saved; nil = nothing yet.
func (s *request) sayFirst(w http.ResponseWriter, m *oncall.Monitor, res *probe.Result) {
	switch {
	case res == nil:
		s.say(w, note{Kind: "ok", Key: "flash.monitor.saved", Places: []string{"name", m.Name}})
	case res.Up:
		s.say(w, note{Kind: "ok", Key: "flash.monitor.first.up", Places: []string{"name", m.Name, "took", view.Took(res.Duration)}})
	default:
		check := view.CheckOf(s.shell("", ""), res)
		s.say(w, note{Kind: "warn", Key: "flash.monitor.first.down", Places: []string{"name", m.Name, "why", check.Why}})
	}
}

// drawQuick draws the list again, with what is wrong with a field.
func (a *Web) drawQuick(w http.ResponseWriter, r *http.Request, s *request, f view.NewMonitor, field, wrong string) error {
	p := s.managed(s.t("monitors.title"), "monitors")
	page, err := a.readMonitors(r.Context(), s, p, view.MonitorFilter{})
	if err != nil {
		return err
	}
	if field != "" {
		f.Wrong = map[string]string{field: wrong}
	}
	page.New = f
	return s.draw(w, r, http.StatusUnprocessableEntity, view.MonitorsPage(p, page))
}

// quickTarget is what of the form is to be asked, and how. wrong is the key of a
// text, "" when nothing is.
func quickTarget(f view.NewMonitor) (kind oncall.MonitorKind, target, wrong string) {
	kind, target = oncall.MonitorKind(f.Kind), f.Target
	if kind == "" {
		kind = oncall.MonitorHTTP
	}
	switch kind {
	case oncall.MonitorHTTP:
		if !strings.Contains(target, "://") && target != "" {
			target = "https://" + target
			if isLocal(target) {
				target = "http://" + strings.TrimPrefix(target, "https://")
			}
		}
		if u, err := url.Parse(target); err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHost(u.Hostname()) || strings.ContainsAny(target, " \t\n") || !isPort(u.Port()) {
			return kind, target, "monitors.target.wrong"
		}
	case oncall.MonitorTCP:
		if _, port, err := net.SplitHostPort(target); err != nil || port == "" || !isPort(port) {
			return kind, target, "monitors.target.port"
		}
	case oncall.MonitorPing, oncall.MonitorCertificate, oncall.MonitorDNS:
		if u, err := url.Parse(target); err == nil && u.Host != "" {
			target = u.Host
		}
		if target == "" || strings.ContainsAny(target, " \t\n/") || !isHost(hostOf(target)) {
			return kind, target, "monitors.target.host"
		}
	default:
		return kind, target, "monitors.target.kind"
	}
	if (probe.Guard{AllowPrivate: true}).CheckHost(hostOf(target)) != nil {
		return kind, target, "monitors.target.never"
	}
	return kind, target, ""
}

// isHost reports whether text may be a host: an address, or a name whose parts are
// neither empty nor too long.
func isHost(text string) bool {
	const longestName, longestPart = 253, 63
	name := strings.TrimSuffix(text, ".")
	return strings.Contains(text, ":") || len(name) <= longestName &&
		!slices.ContainsFunc(strings.Split(name, "."), func(part string) bool { return part == "" || len(part) > longestPart })
}

// isPort reports whether a target may name that port; "" is that of its scheme.
func isPort(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return digits == "" || err == nil && n > 0
}

// isLocal reports whether an address has no name that the world knows: it seldom
// speaks TLS.
func isLocal(target string) bool { return isPrivate(target) || !strings.Contains(hostOf(target), ".") }

// isPrivate reports whether a target, as it is written, is asked only with leave.
func isPrivate(target string) bool { return probe.Guard{}.CheckHost(hostOf(target)) != nil }

// hostOf is the host of a URL, of host:port, or the text itself.
func hostOf(target string) string {
	if u, err := url.Parse(target); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	if host, _, err := net.SplitHostPort(target); err == nil {
		return host
	}
	return target
}

var (
	notOfNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
	errNames   = &oncall.Error{Kind: oncall.Conflict, Code: "monitor.names_taken", Message: "there are many monitors of such a name; give this one a name of its own"}
)

// freeName is a name for a monitor of a target that no other has.
func (a *Web) freeName(ctx context.Context, target string) (string, error) {
	var all []*oncall.Monitor
	err := a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		all, _, err = tx.Monitors(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	host := hostOf(target)
	const longest = 50
	host = strings.Trim(notOfNames.ReplaceAllString(host, "-"), "-._")
	host = host[:min(len(host), longest)]
	if host == "" {
		host = "monitor"
	}
	const tries = 1000
	for n := 1; n < tries; n++ {
		name := host
		if n > 1 {
			name = fmt.Sprintf("%s-%d", host, n)
		}
		if !slices.ContainsFunc(all, func(m *oncall.Monitor) bool { return string(m.ID) == name }) {
			return name, nil
		}
	}
	return "", errNames
}
