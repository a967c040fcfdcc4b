package standing

import (
	"context"

	"toban/detect"
	"toban/oncall"
	"toban/store"
)

// firing are the open alerts of those of the monitors that are rules.
func (r *Reader) firing(ctx context.Context, ids []oncall.MonitorID) (map[oncall.MonitorID][]oncall.Alert, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var list []oncall.Alert
	err := r.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.FiringUntil(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	asked := make(map[oncall.MonitorID]bool, len(ids))
	for _, id := range ids {
		asked[id] = true
	}
	by := map[oncall.MonitorID][]oncall.Alert{}
	for _, a := range list {
		// A sender's own group may have the name of a monitor: the labels tell.
		id := oncall.MonitorID(a.GroupKey)
		if asked[id] && a.Labels[detect.LabelMonitor] == a.GroupKey && oncall.MonitorKind(a.Labels["kind"]).Rules() {
			by[id] = append(by[id], a)
		}
	}
	return by, nil
}

// judged is what is known of the evaluations of all rules.
type judged struct {
	by map[oncall.MonitorID]Evaluation
	ok bool
}

func (r *Reader) judged(ctx context.Context, needed bool) (j judged) {
	if needed {
		j.by, j.ok = r.o.Evaluations(ctx)
	}
	return j
}

// judgement is what is known of one rule.
type judgement struct {
	firing    []oncall.Alert
	evaluated bool // somebody evaluates rules
	known     bool // and this one is among them
	last      Evaluation
}

func (j judged) of(id oncall.MonitorID, firing []oncall.Alert) judgement {
	last, known := j.by[id]
	return judgement{firing: firing, evaluated: j.ok, known: known, last: last}
}

// evaluated is how a rule stands: nothing that fires is good only while somebody
// looks, and sees.
func (s *Standing) evaluated(j judgement) {
	s.State, s.Last, s.Took = Unknown, j.last.At, j.last.Took
	switch {
	case !s.Monitor.Paused && j.evaluated && !j.known:
		s.Problem = "its rule is not among those that are evaluated; if that lasts, toban's log says why"
	case j.evaluated && j.last.Problem != "":
		s.Problem = j.last.Problem
	case j.evaluated && !j.last.At.IsZero():
		s.State = Up
	}
	if len(j.firing) > 0 {
		s.State, s.Since = Down, j.firing[0].StartsAt
		said := j.firing[0].Annotations
		s.Reason, s.Message = said["reason"], said["summary"]
		if value := said["value"]; value != "" { // the summary is in the language of the installation
			s.Message = s.Monitor.Title() + ": the value is " + value
		}
	}
}
