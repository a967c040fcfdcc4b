package web

import (
	"context"

	"toban/oncall"
	"toban/store"
)

// nextSteps are what people notice next of incidents that nobody has: a line of
// the forecast that the stair draws, so that the list, the head of a page and
// its stair say the same of one incident.
type nextSteps map[oncall.IncidentID]oncall.Step

// of is the step of one incident, nil for none.
func (n nextSteps) of(id oncall.IncidentID) *oncall.Step {
	if step, ok := n[id]; ok {
		return &step
	}
	return nil
}

// nextSteps looks ahead from s.now for those of ids that are being escalated:
// what comes next of the others stands in their response.
func (a *Web) nextSteps(ctx context.Context, tx *store.Tx, s *request, ids []oncall.IncidentID, responses map[oncall.IncidentID]*store.ResponseRow) (nextSteps, error) {
	going := make(map[oncall.IncidentID]*store.ResponseRow, len(ids))
	for _, id := range ids {
		if row := responses[id]; row != nil && row.Response.Phase == oncall.Escalating {
			going[id] = row
		}
	}
	if len(going) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	return a.Respond.NextSteps(ctx, tx, going, s.now)
}
