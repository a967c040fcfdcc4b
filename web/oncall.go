package web

import (
	"context"
	"net/http"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// How far back it is looked who has answered a call.
const (
	answeredWithin = 90 * 24 * time.Hour
	answeredAmong  = 1000 // deliveries
)

// onCallPage says who is on duty now, whether they can be reached, and who would
// be paged.
func (a *Web) onCallPage(w http.ResponseWriter, r *http.Request, s *request) error {
	p := s.managed(s.t("oncall.title"), "oncall", "view", "oncall")
	page, err := a.readDuty(r.Context(), s, p)
	if err != nil {
		return err
	}
	page.Rehearsal = s.rehearsal(r, "/oncall", s.dir.Services, nil)
	return s.draw(w, r, http.StatusOK, view.OnCallPage(p, page))
}

// readDuty is who is on duty at s.now.
func (a *Web) readDuty(ctx context.Context, s *request, p view.Shell) (view.OnCall, error) {
	var known view.Contacted
	err := a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if known.Devices, err = tx.CountDevices(ctx); err != nil {
			return err
		}
		lately, err := tx.LatestDeliveries(ctx, s.now.Add(-answeredWithin), answeredAmong)
		known.Answered = answered(lately)
		return err
	})
	if err != nil {
		return view.OnCall{}, err
	}
	return view.OnCallOf(p, s.dir, s.who.User, known), nil
}

// answered is when each user last answered a call, among deliveries of which the
// newest come first.
func answered(lately []store.Delivery) map[oncall.UserID]time.Time {
	by := map[oncall.UserID]time.Time{}
	for i := range lately {
		d := &lately[i]
		if d.Channel == oncall.Call && d.Outcome == oncall.Answered && by[d.User].IsZero() {
			by[d.User] = d.ClaimedAt
		}
	}
	return by
}
