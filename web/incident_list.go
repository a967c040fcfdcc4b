package web

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// listQuery is what the address of a list asks for.
type listQuery struct {
	show                          string
	service, urgency, state, text string
	cursor                        string
}

func readList(q url.Values) listQuery {
	l := listQuery{
		show: q.Get("show"), service: clip(q.Get("service")), urgency: q.Get("urgency"), state: q.Get("state"),
		text: clip(q.Get("q")), cursor: clip(q.Get("cursor")),
	}
	if l.show != showMine && l.show != showAll {
		l.show = showOpen
	}
	if l.urgency != string(oncall.High) && l.urgency != string(oncall.Low) {
		l.urgency = ""
	}
	switch oncall.State(l.state) {
	case oncall.Triggered, oncall.Acknowledged:
	case oncall.Resolved:
		if l.show != showAll {
			l.state = ""
		}
	default:
		l.state = ""
	}
	return l
}

// values is the query that asks for the same.
func (l listQuery) values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"service": l.service, "urgency": l.urgency, "state": l.state, "q": l.text, "cursor": l.cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if l.show != showOpen {
		q.Set("show", l.show)
	}
	return q
}

func (l listQuery) path() string {
	if q := l.values().Encode(); q != "" {
		return "/?" + q
	}
	return "/"
}

func (l listQuery) showing(show string) string {
	l.show, l.cursor = show, ""
	if show != showAll && l.state == string(oncall.Resolved) {
		l.state = ""
	}
	return l.path()
}

// incidentList is what the store says about a list.
type incidentList struct {
	groups    map[string][]oncall.Incident
	order     []string
	responses map[oncall.IncidentID]*store.ResponseRow
	steps     nextSteps
	next      string // cursor
	searched  time.Time
	last      time.Time
	week      []view.DayCount // only beside what is open
}

// readIncidents reads a list with the responses of what is in it.
func (a *Web) readIncidents(ctx context.Context, s *request, q listQuery) (l *incidentList, err error) {
	err = a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		l = &incidentList{groups: map[string][]oncall.Incident{}}
		switch q.show {
		case showAll:
			err = l.readAll(ctx, tx, q)
		case showMine:
			err = l.readMine(ctx, tx, q, s.who.User)
		default:
			err = l.readOpen(ctx, tx, q, s)
		}
		if err != nil {
			return err
		}
		if l.last, l.week, err = readLately(ctx, tx, s, q); err != nil {
			return err
		}
		if l.responses == nil {
			if l.responses, err = tx.Responses(ctx, l.open()); err != nil {
				return err
			}
		}
		l.steps, err = a.nextSteps(ctx, tx, s, l.open(), l.responses)
		return err
	})
	return l, err
}

// How many days the strip beside an empty list has, and how far each is counted.
const (
	weekDays  = 7
	mostOfDay = 100
)

// readLately is when the last incident began and, for the list of what is open,
// how many there were on each of the last days.
func readLately(ctx context.Context, tx *store.Tx, s *request, q listQuery) (last time.Time, week []view.DayCount, err error) {
	newest, err := tx.ListIncidents(ctx, store.IncidentFilter{Limit: 1})
	if err != nil {
		return last, nil, err
	}
	if len(newest) > 0 {
		last = newest[0].TriggeredAt
	}
	if q.path() == "/" {
		week, err = readWeek(ctx, tx, s)
	}
	return last, week, err
}

// readWeek counts the incidents of the last days of the reader's calendar.
func readWeek(ctx context.Context, tx *store.Tx, s *request) ([]view.DayCount, error) {
	today := midnight(s.now, s.zone)
	days := make([]view.DayCount, 0, weekDays)
	for back := weekDays - 1; back >= 0; back-- {
		day := today.AddDate(0, 0, -back)
		n, err := tx.CountTriggered(ctx, day, day.AddDate(0, 0, 1), mostOfDay)
		if err != nil {
			return nil, err
		}
		days = append(days, view.DayCount{Day: day, N: n, More: n == mostOfDay})
	}
	return days, nil
}

// open are the incidents whose response is shown.
func (l *incidentList) open() (ids []oncall.IncidentID) {
	for _, group := range l.groups {
		for i := range group {
			if group[i].State != oncall.Resolved {
				ids = append(ids, group[i].ID)
			}
		}
	}
	return ids
}

func (q listQuery) search() store.IncidentSearch {
	return store.IncidentSearch{Service: oncall.ServiceID(q.service), Urgency: oncall.Urgency(q.urgency), Text: strings.TrimPrefix(q.text, "#"), Limit: perPage}
}

// readAll is everything, the newest first. A number finds its incident.
func (l *incidentList) readAll(ctx context.Context, tx *store.Tx, q listQuery) error {
	l.order = []string{showAll}
	search := q.search()
	if q.state != "" {
		search.States = []oncall.State{oncall.State(q.state)}
	}
	_, before, beforeID, err := readCursor(q.cursor)
	if err != nil {
		return err
	}
	search.Before, search.BeforeID = before, beforeID
	if n, err := strconv.ParseInt(search.Text, 10, 64); err == nil && n > 0 && q.cursor == "" {
		switch inc, err := tx.IncidentByNumber(ctx, n); {
		case err == nil:
			l.groups[showAll] = []oncall.Incident{*inc}
			return nil
		case public(err).Kind != oncall.NotFound:
			return err
		}
	}
	found, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	l.groups[showAll] = found.Incidents
	l.follow(found, "")
	if found.More && len(found.Incidents) < search.Limit {
		l.searched = found.Last
	}
	return nil
}

// readOpen is what is open: first what nobody has, then what somebody has, and
// on the first page what was resolved today.
func (l *incidentList) readOpen(ctx context.Context, tx *store.Tx, q listQuery, s *request) error {
	l.order = []string{string(oncall.Triggered), string(oncall.Acknowledged)}
	group, before, beforeID, err := readCursor(q.cursor)
	if err != nil {
		return err
	}
	if err := l.readOpenGroups(ctx, tx, q, group, before, beforeID); err != nil {
		return err
	}
	if q.cursor != "" || q.state != "" {
		return nil
	}
	search := q.search()
	search.States, search.Limit = []oncall.State{oncall.Resolved}, resolvedToday
	search.ResolvedSince = midnight(s.now, s.zone)
	found, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	l.order = append(l.order, string(oncall.Resolved))
	l.groups[string(oncall.Resolved)] = found.Incidents
	return nil
}

func (l *incidentList) readOpenGroups(ctx context.Context, tx *store.Tx, q listQuery, group string, before time.Time, beforeID oncall.IncidentID) error {
	left := perPage
	for _, state := range []oncall.State{oncall.Triggered, oncall.Acknowledged} {
		if q.state != "" && q.state != string(state) || group == string(oncall.Acknowledged) && state == oncall.Triggered {
			continue
		}
		search := q.search()
		search.States, search.Limit = []oncall.State{state}, left
		if group == string(state) {
			search.Before, search.BeforeID = before, beforeID
		}
		found, err := tx.SearchIncidents(ctx, search)
		if err != nil {
			return err
		}
		l.groups[string(state)] = found.Incidents
		if left -= len(found.Incidents); found.More {
			l.follow(found, string(state))
			return nil
		}
		if left <= 0 {
			if state == oncall.Triggered && q.state == "" {
				l.next = string(oncall.Acknowledged) // from its beginning
			}
			return nil
		}
	}
	return nil
}

// readMine is what a user has, and what a user is being asked about.
func (l *incidentList) readMine(ctx context.Context, tx *store.Tx, q listQuery, user oncall.UserID) error {
	l.order = []string{string(oncall.Triggered), string(oncall.Acknowledged)}
	if user == "" {
		return nil
	}
	search := q.search()
	search.States, search.Limit = []oncall.State{oncall.Triggered}, mineOf
	asked, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	search.States = []oncall.State{oncall.Acknowledged} // who is asked to help is paged for one that another has
	helped, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	search.Holder, search.Limit = user, 2*perPage
	held, err := tx.SearchIncidents(ctx, search)
	if err != nil {
		return err
	}
	l.groups[string(oncall.Triggered)] = asked.Incidents
	l.groups[string(oncall.Acknowledged)] = newestFirst(append(held.Incidents, helped.Incidents...))
	if l.responses, err = tx.Responses(ctx, l.open()); err != nil {
		return err
	}
	for name, group := range l.groups {
		l.groups[name] = slices.DeleteFunc(group, func(inc oncall.Incident) bool { return !inc.Concerns(responseOf(l.responses[inc.ID]), user) })
	}
	if q.state != "" {
		for _, name := range l.order {
			if name != q.state {
				delete(l.groups, name)
			}
		}
	}
	return nil
}

// newestFirst are incidents in the order of a list, each once.
func newestFirst(list []oncall.Incident) []oncall.Incident {
	slices.SortFunc(list, func(a, b oncall.Incident) int {
		return cmp.Or(b.TriggeredAt.Compare(a.TriggeredAt), cmp.Compare(b.ID, a.ID))
	})
	return slices.CompactFunc(list, func(a, b oncall.Incident) bool { return a.ID == b.ID })
}

// responseOf is the response of a row, nil for none.
func responseOf(row *store.ResponseRow) *oncall.Response {
	if row == nil {
		return nil
	}
	return &row.Response
}

// follow keeps where the next page begins.
func (l *incidentList) follow(found *store.Found, group string) {
	if !found.More {
		return
	}
	l.next = strconv.FormatInt(found.Last.UnixMilli(), 10) + "." + string(found.LastID)
	if group != "" {
		l.next = group + "." + l.next
	}
}

var errCursor = &oncall.Error{Kind: oncall.Invalid, Code: "request.cursor", Message: "the cursor is none that this list has given", Field: "/cursor"}

// readCursor reads "[state.]<milliseconds>.<id>", or a state alone for its
// beginning.
func readCursor(cursor string) (group string, before time.Time, id oncall.IncidentID, err error) {
	if cursor == "" {
		return "", time.Time{}, "", nil
	}
	head, rest, _ := strings.Cut(cursor, ".")
	if head == string(oncall.Triggered) || head == string(oncall.Acknowledged) {
		group = head
		if rest == "" {
			return group, time.Time{}, "", nil
		}
		head, rest, _ = strings.Cut(rest, ".")
	}
	ms, err := strconv.ParseInt(head, 10, 64)
	if err != nil || rest == "" {
		return "", time.Time{}, "", errCursor
	}
	return group, time.UnixMilli(ms), oncall.IncidentID(rest), nil
}
