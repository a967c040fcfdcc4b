package probe

import "context"

// misfit is the checker of settings that can't be used: it says so at each
// check instead of asking.
type misfit struct{ why error }

// Check implements Checker.
func (m misfit) Check(ctx context.Context, target string) *Result {
	t := begin()
	t.try("nothing: the module can't be used: ", m.why.Error())
	t.fail(ReasonTarget, "the module can't be used: "+m.why.Error())
	return t.end(ctx, nil)
}
