package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"toban/oncall"
	"toban/store"
)

// closed closes a site and adds what that said to err.
func closed(s *site, err error) error { return errors.Join(err, s.close()) }

// newestWaiting asks the running toban how many of its newest incidents have a
// response that was not stepped yet.
func (s *site) newestWaiting(ctx context.Context) (waiting int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://toban/api/v1/incidents?limit=200", http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := s.child.api.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the list of incidents was answered %s", res.Status)
	}
	var list struct {
		Incidents []struct {
			NextAt      time.Time `json:"next_at"`
			TriggeredAt time.Time `json:"triggered_at"`
		} `json:"incidents"`
	}
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return 0, err
	}
	for _, i := range list.Incidents {
		if !i.NextAt.After(i.TriggeredAt) { // its first step is due at once
			waiting++
		}
	}
	return waiting, nil
}

// unstepped is the version of a response as it is accepted: every step raises
// it.
const unstepped = 1

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
			if row := rows[list[i].ID]; row == nil || row.Version <= unstepped {
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
