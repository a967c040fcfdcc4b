package view

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// ServiceRow is a service in the list.
type ServiceRow struct {
	Name, Path              string
	Policy                  Tab
	Triggered, Acknowledged int
	CatchAll, Shadow        bool
	Matches                 string
	Origin                  Origin
}

// Service is one service, what is open on it and what feeds it.
type Service struct {
	ID        oncall.ServiceID
	Row       ServiceRow
	Reading   string
	Urgencies []UrgencyRow
	Hours     []string // support hours in words; none = always
	Rules     []string // what else holds for it
	Chat      []string
	Open      []ServiceIncident
	Recent    []ServiceIncident
	Feeds     []Feed
	MayKey    bool
	Made      *MadeKey
}

// UrgencyRow is what a severity becomes.
type UrgencyRow struct {
	Severity oncall.Severity
	Urgency  oncall.Urgency
}

// ServiceIncident is an incident in the list beside something else.
type ServiceIncident struct {
	Number int64
	Title  string
	State  oncall.State
	At     time.Time
	Who    string // has it; "" = nobody
}

// Feed is an integration whose signals may reach a service.
type Feed struct {
	ID      oncall.IntegrationID
	Dialect string
	Always  bool // names this service; else the signals' labels do
	Stage   oncall.Stage
	Keys    []KeyRow
	Open    []OpenRoute // what is taken without a key
	Origin  Origin
}

// OpenRoute is an address at which an integration takes what certain networks
// post, without a key.
type OpenRoute struct {
	Path string   // with its stage
	From []string // networks; none = this machine
}

// KeyRow is a key of an integration, of which only the hash is known.
type KeyRow struct {
	Hash    string
	At      time.Time
	Revoked time.Time
	File    bool // kept in the configuration: it is revoked there
}

// Short is enough of the hash to tell keys apart.
func (k KeyRow) Short() string { return k.Hash[:min(len(k.Hash), 12)] }

// MadeKey is a key that was made just now. It is shown this once.
type MadeKey struct {
	Integration oncall.IntegrationID
	Text        string // what URL and Curl are
	URL         string // where the sender posts, or the key alone where a header takes it
	Note        string // what Curl is
	Curl        string // a command or lines to paste
	TakesAlerts bool
	Pages       string // whom that pages, in a sentence; "" where it is no alert
}

// ServiceRowsOf are the services in their order; open are the incidents that are
// not resolved.
func ServiceRowsOf(dir *oncall.Directory, open []oncall.Incident, origins map[string]Origin) []ServiceRow {
	var rows []ServiceRow
	for _, svc := range dir.Services {
		rows = append(rows, serviceRow(dir, svc, open, origins[string(svc.ID)]))
	}
	return rows
}

func serviceRow(dir *oncall.Directory, svc *oncall.Service, open []oncall.Incident, origin Origin) ServiceRow {
	row := ServiceRow{
		Name: serviceName(svc), Path: ServicePath(svc.ID), CatchAll: svc.CatchAll, Shadow: svc.Shadow || dir.Settings.Shadow,
		Origin: origin, Matches: matches(svc), Policy: Tab{Label: string(svc.Policy), Path: PolicyPath(svc.Policy)},
	}
	if p := dir.Policies[svc.Policy]; p != nil {
		row.Policy.Label = policyName(p)
	}
	for i := range open {
		switch {
		case open[i].Service != svc.ID:
		case open[i].State == oncall.Triggered:
			row.Triggered++
		case open[i].State == oncall.Acknowledged:
			row.Acknowledged++
		}
	}
	return row
}

// matches are the labels that a service takes, "" for none.
func matches(svc *oncall.Service) string {
	var all []string
	for _, m := range svc.Match {
		op := m.Op
		if op == "" {
			op = oncall.Equal
		}
		all = append(all, m.Label+string(op)+strconv.Quote(m.Value))
	}
	return strings.Join(all, " ")
}

// ServiceOf is one service; open and recent are its incidents.
func ServiceOf(s Shell, dir *oncall.Directory, svc *oncall.Service, open, recent []oncall.Incident, feeds []Feed, origin Origin) Service {
	out := Service{ID: svc.ID, Row: serviceRow(dir, svc, open, origin), Feeds: feeds}
	if svc.Reading != svc.Name {
		out.Reading = svc.Reading
	}
	for _, v := range []oncall.Severity{oncall.Critical, oncall.Failure, oncall.Warning, oncall.Info} {
		out.Urgencies = append(out.Urgencies, UrgencyRow{Severity: v, Urgency: svc.UrgencyOf(v)})
	}
	if h := svc.SupportHours; h != nil {
		for _, span := range h.During {
			out.Hours = append(out.Hours, spanWords(s, span))
		}
		if foreignZone(h.Zone, s) {
			out.Hours = append(out.Hours, s.T("calendar.zone", "zone", h.Zone))
		}
	}
	if svc.PageAfter > 0 {
		out.Rules = append(out.Rules, s.T("service.pageafter", "time", Span(s.Lang, svc.PageAfter)))
	}
	if svc.NoCalls {
		out.Rules = append(out.Rules, s.T("service.nocalls"))
	}
	if svc.Chat.Channel != "" {
		out.Chat = append(out.Chat, s.T("service.chat.channel", "name", svc.Chat.Channel))
	}
	when := svc.Chat.PerIncident
	if when == "" {
		when = oncall.ChatNever
	}
	out.Chat = append(out.Chat, s.T("service.chat."+string(when)))
	out.Open, out.Recent = incidentRows(s, dir, open), incidentRows(s, dir, recent)
	return out
}

func foreignZone(name string, s Shell) bool {
	zone, err := oncall.LoadZone(name)
	return err == nil && foreign(s.Now.In(zone), s.Location())
}

func incidentRows(s Shell, dir *oncall.Directory, list []oncall.Incident) []ServiceIncident {
	var rows []ServiceIncident
	for i := range list {
		row := ServiceIncident{Number: list[i].Number, Title: i18n.In(s.Lang).Title(list[i].Title), State: list[i].State, At: list[i].TriggeredAt}
		if list[i].AcknowledgedBy != "" {
			row.Who = i18n.Names{Directory: dir}.Actor(i18n.In(s.Lang), string(list[i].AcknowledgedBy))
		}
		rows = append(rows, row)
	}
	return rows
}

// spanWords says a span of hours: weekdays 09:00–18:00.
func spanWords(s Shell, x oncall.Span) string {
	var days []string
	week := x.Days.Weekdays
	weekdays, weekend := [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, [7]bool{0: true, 6: true}
	switch {
	case week == weekdays && x.Days.Working:
		days = append(days, s.T("span.weekdays"))
	case week == weekend:
		days = append(days, s.T("span.weekends"))
	case week == [7]bool{true, true, true, true, true, true, true}:
		days = append(days, s.T("span.daily"))
	default:
		for _, d := range []time.Weekday{1, 2, 3, 4, 5, 6, 0} {
			if week[d] {
				days = append(days, Weekday(s.Lang, d))
			}
		}
	}
	if x.Days.Holidays != "" {
		days = append(days, s.T("span.holidays"))
	}
	text := joined(s, days)
	if x.From == 0 && x.To%1440 == 0 {
		return text + " " + s.T("span.allday")
	}
	return text + " " + clock(x.From) + "–" + clock(x.To)
}

func clock(c oncall.Clock) string {
	return two(time.Duration(c/60)) + ":" + two(time.Duration(c%60))
}

// FeedsOf are the integrations that may reach a service: those that name it
// first. What kept is true of is a key of the configuration's.
func FeedsOf(dir *oncall.Directory, id oncall.ServiceID, keys []KeyOf, kept map[string]bool, origins map[string]Origin) []Feed {
	var feeds []Feed
	for _, name := range sortedKeys(dir.Integrations) {
		in := dir.Integrations[name]
		if in.Service != "" && in.Service != id {
			continue
		}
		feed := Feed{ID: name, Dialect: in.Dialect, Always: in.Service == id, Stage: in.Stage, Open: openRoutes(dir, name), Origin: origins[string(name)]}
		for _, k := range keys {
			if k.Integration == name {
				row := k.KeyRow
				row.File = kept[k.Hash]
				feed.Keys = append(feed.Keys, row)
			}
		}
		feeds = append(feeds, feed)
	}
	slices.SortStableFunc(feeds, func(a, b Feed) int {
		switch {
		case a.Always == b.Always:
			return 0
		case a.Always:
			return -1
		}
		return 1
	})
	return feeds
}

// openRoutes are the routes of the gateway that lead to an integration and ask
// for no key.
func openRoutes(dir *oncall.Directory, id oncall.IntegrationID) (all []OpenRoute) {
	stage := oncall.Production
	if dir.Stages[stage] == nil {
		for _, other := range sortedKeys(dir.Stages) {
			stage = other
			break
		}
	}
	for _, r := range dir.Routes {
		if r.To != id || r.Auth != "none" {
			continue
		}
		open := OpenRoute{Path: "/" + string(stage) + r.Path}
		for _, network := range r.From {
			if p, err := netip.ParsePrefix(network); err != nil || !p.Addr().IsLoopback() {
				open.From = append(open.From, network)
			}
		}
		all = append(all, open)
	}
	return all
}

// sentence says from where what is taken without a key.
func (r OpenRoute) sentence(s Shell) string {
	if len(r.From) == 0 {
		return s.T("service.keys.open.here", "path", r.Path)
	}
	return s.T("service.keys.open", "path", r.Path, "from", i18n.In(s.Lang).List(r.From))
}

// KeyOf is a key with whose it is.
type KeyOf struct {
	KeyRow
	Integration oncall.IntegrationID
}

// MadeKeyOf is what is shown of a key that was made: where the sender posts, and
// a command that sends an alert of that service.
func MadeKeyOf(s Shell, in *oncall.Integration, svc *oncall.Service, external, secret string) *MadeKey {
	base := strings.TrimRight(external, "/")
	made := &MadeKey{Integration: in.ID, URL: secret, Text: s.T("service.made.key")}
	switch in.Dialect {
	case "agent":
		made.Note = s.T("service.made.agent")
		made.Curl = "TOBAN_AGENT_KEY=" + quote(secret) + " toban agent --server " + quote(base)
		return made
	case "mackerel":
		made.Note = s.T("service.made.mackerel")
		made.Curl = "curl -sS -H " + quote("X-Api-Key: "+secret) + " -H 'Content-Type: application/json' " + quote(base+"/api/v0/services/SERVICE/tsdb") +
			" -d \"[{\\\"name\\\": \\\"toban.test\\\", \\\"time\\\": $(date +%s), \\\"value\\\": 1}]\""
		return made
	case "remote_write":
		made.Note = s.T("service.made.remote_write")
		made.Curl = "remote_write:\n  - url: " + base + "/prometheus/api/v1/write\n    authorization: { credentials: " + secret + " }"
		return made
	}
	address := base + "/integrations/" + url.PathEscape(in.Dialect) + "/" + secret
	return &MadeKey{
		Integration: in.ID, URL: address, Text: s.T("service.made.text"), Note: s.T("service.made.curl"), TakesAlerts: true,
		Curl: "curl -sS " + quote(address) + " -H 'Content-Type: application/json' -d " + quote(sample(in, svc)),
	}
}

// sample is a body that the integration reads as an alert of the service: of
// severity info, so that a test is quiet.
func sample(in *oncall.Integration, svc *oncall.Service) string {
	labels := map[string]string{}
	for _, m := range svc.Match {
		if m.Op == oncall.Equal || m.Op == "" {
			labels[m.Label] = m.Value
		}
	}
	labels["severity"] = string(oncall.Info)
	var body any
	switch {
	case in.Dialect == "alertmanager":
		labels["alertname"] = "TobanTest"
		body = map[string]any{
			"version": "4", "groupKey": "toban-test",
			"alerts": []any{map[string]any{"status": "firing", "labels": labels, "annotations": map[string]string{"summary": "toban test"}}},
		}
	case in.Map != "" || in.Dialect != "generic":
		return "@body.json" // the sender's own form, which only it or its mapping knows
	default:
		body = map[string]any{"key": "toban-test", "action": "trigger", "summary": "toban test", "severity": oncall.Info, "service": svc.ID}
	}
	text, err := json.Marshal(body)
	if err != nil { // strings by strings: there is no such error
		return "{}"
	}
	return string(text)
}

// quote makes text one word of a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
