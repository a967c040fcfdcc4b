package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"toban/oncall"
	"toban/store"
)

// closed closes a site and adds what that said to err.
func closed(s *site, err error) error { return errors.Join(err, s.close()) }

// asked is what the bench needs to know of an incident from the API.
type asked struct {
	NextAt      time.Time `json:"next_at"`
	TriggeredAt time.Time `json:"triggered_at"`
}

// stepped reports whether the response has made its first step: that is due at
// once, and what follows it never is.
func (a asked) stepped() bool { return a.NextAt.After(a.TriggeredAt) }

// newestWaiting asks the running toban how many of its newest incidents have a
// response that was not stepped yet.
func (s *site) newestWaiting(ctx context.Context) (waiting int, err error) {
	var list struct {
		Incidents []asked `json:"incidents"`
	}
	if err := s.ask(ctx, "/api/v1/incidents?limit=200", &list); err != nil {
		return 0, err
	}
	for _, i := range list.Incidents {
		if !i.stepped() {
			waiting++
		}
	}
	return waiting, nil
}

// ask reads from the API of the running toban.
func (s *site) ask(ctx context.Context, path string, into any) error {
	return s.request(ctx, http.MethodGet, path, nil, into)
}

// post has the running toban do something; into may be nil.
func (s *site) post(ctx context.Context, path string, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return s.request(ctx, http.MethodPost, path, body, into)
}

func (s *site) request(ctx context.Context, method, path string, body []byte, into any) (err error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://toban"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := s.child.api.Do(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s was answered %s", path, res.Status)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// patiently looks every 20 ms whether something holds, at most for the time
// given. That it does not is no error: what is in the store decides.
func patiently(ctx context.Context, most time.Duration, holds func() (bool, error)) error {
	for end := time.Now().Add(most); ; {
		done, err := holds()
		if err != nil || done || time.Now().After(end) {
			return err
		}
		if !until(ctx, time.Now().Add(20*time.Millisecond)) {
			return ctx.Err()
		}
	}
}

// openStore opens the store of a site whose toban has ended.
func (s *site) openStore(ctx context.Context) (*store.DB, error) {
	return store.Open(ctx, s.store(), store.Options{Node: "bench"})
}

// census counts the incidents of a site whose toban has ended, and how many of
// their responses were never stepped.
func (s *site) census(ctx context.Context) (incidents, waiting int, err error) {
	db, err := s.openStore(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for page := (store.IncidentFilter{Limit: 1000}); ; {
		var list []oncall.Incident
		var rows map[oncall.IncidentID]*store.ResponseRow
		err := db.Read(ctx, func(tx *store.Tx) (err error) {
			if list, err = tx.ListIncidents(ctx, page); err != nil {
				return err
			}
			ids := make([]oncall.IncidentID, len(list))
			for i := range list {
				ids[i] = list[i].ID
			}
			rows, err = tx.Responses(ctx, ids)
			return err
		})
		if err != nil {
			return 0, 0, err
		}
		for i := range list {
			incidents++
			if row := rows[list[i].ID]; row == nil || !(asked{row.NextAt, list[i].TriggeredAt}).stepped() {
				waiting++
			}
		}
		if len(list) < page.Limit {
			return incidents, waiting, nil
		}
		last := list[len(list)-1]
		page.Before, page.BeforeID = last.TriggeredAt, last.ID
	}
}
