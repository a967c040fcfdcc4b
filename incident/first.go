package incident

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
	"toban/store"
)

// firstWaits is how long the user who is asked first has at most; one who can't
// be reached holds nothing up (R11).
const firstWaits = 5 * time.Minute

// askFirst lets an incident that is about to be opened page one user before
// anybody else (R17): its policy is that of the service with a level for that
// user in front, so nobody else's telephone rings meanwhile, and an incident
// that this user does not take is not forgotten (R13).
func askFirst(ctx context.Context, tx *store.Tx, dir *oncall.Directory, opening *store.Acceptance, first oncall.UserID) error {
	if dir.Users[first] == nil {
		return invalid("/user", "user.unknown", fmt.Sprintf("there is no user %q", first))
	}
	row := opening.Response
	only := oncall.Target{Kind: oncall.TargetUser, Name: string(first)}
	policy := oncall.Policy{Fallback: only, Rounds: 1} // of a service without any
	for _, p := range dir.Policies {
		if p.Revision == row.Response.Policy {
			policy = *p
		}
	}
	level := oncall.Level{Targets: []oncall.Target{only}, Strategy: oncall.All, Wait: firstWaits, OnNoAnswer: oncall.GoNext}
	policy.ID = oncall.PolicyID("first/" + string(first) + "/" + string(policy.ID))
	policy.Name = string(policy.ID)
	policy.Levels = append([]oncall.Level{level}, policy.Levels...)
	if err := tx.KeepPolicy(ctx, &policy); err != nil {
		return err
	}
	row.Response = oncall.NewResponse(opening.Incident, policy.Revision)
	row.NextAt, row.NextWhy = row.Response.Next()
	return nil
}
