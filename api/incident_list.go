package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
	"toban/incident"
	"toban/oncall"
	"toban/store"
)

// IncidentList is one page of incidents.
type IncidentList struct {
	Incidents  []Incident `json:"incidents"`
	NextCursor string     `json:"next_cursor,omitempty" doc:"there may be more: ask again with it, even after a page that is not full"`
}

func (a *API) incidentLists(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-incidents", Method: http.MethodGet, Path: "/api/v1/incidents", Tags: []string{tagIncidents}, Errors: []int{400},
		Summary: "List incidents, newest first",
		Description: "What is open, unless `state` says otherwise. One request looks through a bounded number of incidents: a page may have fewer than `limit`, " +
			"or none, and still name a `next_cursor`.",
	}, a.listIncidents)
	register(a, h, huma.Operation{
		OperationID: "list-alerts", Method: http.MethodGet, Path: "/api/v1/incidents/{id}/alerts", Tags: []string{tagIncidents}, Errors: []int{400, 404},
		Summary: "The alerts of an incident", Description: "What senders say about it, those that began first first.",
	}, a.listAlerts)
	register(a, h, huma.Operation{
		OperationID: "get-timeline", Method: http.MethodGet, Path: "/api/v1/incidents/{id}/timeline", Tags: []string{tagIncidents}, Errors: []int{400, 404},
		Summary: "The timeline of an incident, oldest first", Description: "Each line as data and as a sentence in the language asked for.",
	}, a.timeline)
}

type listInput struct {
	State   string    `query:"state" enum:"open,triggered,acknowledged,resolved,all" default:"open"`
	Service string    `query:"service" maxLength:"255"`
	Urgency string    `query:"urgency" enum:"high,low"`
	Stage   string    `query:"stage" maxLength:"64" doc:"such as production"`
	Text    string    `query:"text" maxLength:"200" doc:"a part of the title"`
	Since   time.Time `query:"since" doc:"only those triggered then or later"`
	Until   time.Time `query:"until" doc:"only those triggered before then"`
	Mine    bool      `query:"mine" doc:"only those that you have, or are paged for"`
	Limit   int       `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many at most"`
	Cursor  string    `query:"cursor" maxLength:"128" doc:"next_cursor of the page before"`
	Spoken
}

type listOutput struct{ Body IncidentList }

// states are the words of ?state=.
func states(word string) []oncall.State {
	switch word {
	case "open":
		return []oncall.State{oncall.Triggered, oncall.Acknowledged}
	case "all":
		return nil
	}
	return []oncall.State{oncall.State(word)}
}

// maxLooks is how many pages of the store one request looks through for what the
// store does not pick by itself.
const maxLooks = 5

func (a *API) listIncidents(ctx context.Context, in *listInput) (*listOutput, error) {
	search := store.IncidentSearch{
		States: states(in.State), Service: oncall.ServiceID(in.Service), Urgency: oncall.Urgency(in.Urgency), Text: in.Text, Limit: in.Limit, Before: in.Until,
	}
	if in.Cursor != "" {
		var err error
		if search.Before, search.BeforeID, err = readCursor(in.Cursor); err != nil {
			return nil, err
		}
	}
	var me oncall.UserID
	if in.Mine {
		p, _ := access.From(ctx)
		if me = p.User; me == "" {
			return nil, &oncall.Error{Kind: oncall.Invalid, Code: "actor.unknown", Field: "/mine", Message: "nothing can be yours: your account " + p.Account + " is no user of the configuration"}
		}
	}
	var out listOutput
	err := a.o.DB.Read(ctx, func(tx *store.Tx) error {
		shown, err := a.look(ctx, tx, in, search, me, &out.Body)
		if err != nil {
			return err
		}
		return a.foresee(ctx, tx, out.Body.Incidents, shown, in.Spoken)
	})
	return &out, err
}

// look reads one page of a list, with the responses of what is open on it.
func (a *API) look(ctx context.Context, tx *store.Tx, in *listInput, search store.IncidentSearch, me oncall.UserID, out *IncidentList) (map[oncall.IncidentID]*store.ResponseRow, error) {
	*out = IncidentList{Incidents: []Incident{}}
	shown := map[oncall.IncidentID]*store.ResponseRow{}
	for range maxLooks {
		found, err := tx.SearchIncidents(ctx, search)
		if err != nil {
			return nil, err
		}
		rows, err := responses(ctx, tx, found.Incidents)
		if err != nil {
			return nil, err
		}
		for i := range found.Incidents {
			inc := &found.Incidents[i]
			if inc.TriggeredAt.Before(in.Since) {
				out.NextCursor = ""
				return shown, nil
			}
			if in.Stage != "" && string(inc.Stage) != in.Stage || in.Mine && !inc.Concerns(responseOf(rows[inc.ID]), me) {
				continue
			}
			out.Incidents = append(out.Incidents, wire(inc, rows[inc.ID]))
			if inc.State != oncall.Resolved && rows[inc.ID] != nil {
				shown[inc.ID] = rows[inc.ID]
			}
			if len(out.Incidents) == in.Limit && (found.More || i+1 < len(found.Incidents)) {
				out.NextCursor = writeCursor(inc.TriggeredAt, inc.ID)
				return shown, nil
			}
		}
		if !found.More || found.Last.Before(in.Since) {
			out.NextCursor = ""
			return shown, nil
		}
		out.NextCursor = writeCursor(found.Last, found.LastID)
		if in.Stage == "" && !in.Mine {
			return shown, nil
		}
		search.Before, search.BeforeID = found.Last, found.LastID
	}
	return shown, nil
}

func responses(ctx context.Context, tx *store.Tx, list []oncall.Incident) (map[oncall.IncidentID]*store.ResponseRow, error) {
	ids := make([]oncall.IncidentID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return tx.Responses(ctx, ids)
}

// responseOf is the response of a row, nil for none.
func responseOf(row *store.ResponseRow) *oncall.Response {
	if row == nil {
		return nil
	}
	return &row.Response
}

func writeCursor(at time.Time, id oncall.IncidentID) string {
	return strconv.FormatInt(at.UnixMilli(), 10) + "." + string(id)
}

// readCursor reads "<milliseconds>.<id>", the place of the last row given.
func readCursor(cursor string) (before time.Time, id oncall.IncidentID, err error) {
	at, name, ok := strings.Cut(cursor, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return before, "", errCursor
	}
	return time.UnixMilli(ms), oncall.IncidentID(name), nil
}

// Alert is what a sender keeps saying about an incident.
type Alert struct {
	ID          string            `json:"id"`
	Key         string            `json:"key" doc:"the sender's name for it"`
	State       string            `json:"state" enum:"firing,cleared"`
	Severity    string            `json:"severity" enum:"critical,error,warning,info"`
	StartsAt    time.Time         `json:"starts_at"`
	EndsAt      *time.Time        `json:"ends_at,omitempty"`
	LastAt      time.Time         `json:"last_at" doc:"when it was heard of last"`
	Count       int64             `json:"count" doc:"how often it was said"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// AlertList is one page of alerts.
type AlertList struct {
	Alerts     []Alert `json:"alerts"`
	NextCursor string  `json:"next_cursor,omitempty"`
}

// maxAlerts is how many alerts of one incident can be paged through.
const maxAlerts = 10_000

func (a *API) listAlerts(ctx context.Context, in *struct {
	Ref
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"16" doc:"next_cursor of the page before"`
},
) (*struct{ Body AlertList }, error) {
	from, err := offset(in.Cursor, maxAlerts)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body AlertList }{}
	err = a.o.DB.Read(ctx, func(tx *store.Tx) error {
		inc, err := incident.Lookup(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		list, err := tx.Alerts(ctx, inc.ID, from+in.Limit+1)
		if err != nil {
			return err
		}
		out.Body = AlertList{Alerts: []Alert{}}
		for _, alert := range list[min(from, len(list)):min(from+in.Limit, len(list))] {
			out.Body.Alerts = append(out.Body.Alerts, wireAlert(alert))
		}
		if len(list) > from+in.Limit && from+in.Limit <= maxAlerts {
			out.Body.NextCursor = strconv.Itoa(from + in.Limit)
		}
		return nil
	})
	return out, err
}

func wireAlert(a oncall.Alert) Alert {
	return Alert{
		ID: string(a.ID), Key: a.Fingerprint, State: string(a.State), Severity: string(a.Severity), StartsAt: a.StartsAt, EndsAt: optional(a.EndsAt),
		LastAt: a.LastAt, Count: a.Count, Labels: filled(a.Labels), Annotations: filled(a.Annotations),
	}
}

// filled is a map that is never null.
func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
