package oncall

import "testing"

// The people of the snapshot have left since it was taken.
func TestR13_AFallbackThatIsGoneIsReplacedByThatOfToday(t *testing.T) {
	t.Parallel()
	story(t, `
		level: nemo | in_order 5m
		fallback: nemo
		user ume: phone@0
		user take: phone@0
		now: ume
		catch-all: take
		until 55s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip nemo unknown_user
		0:00  fallback ume
		0:00  page ume fallback
		0:00  call ume
		0:25    ume no_answer
		0:25  call ume 2nd
		0:50    ume no_answer
		0:50  unreached ume no_answer
	`)
}

// Today's fallback of the service has no verified contact method, and the pager
// is gone: the catch-all's stands in.
func TestR13_TheCatchAllsFallbackStandsInLast(t *testing.T) {
	t.Parallel()
	story(t, `
		level: nemo | in_order 5m
		fallback: pager sold
		user ume: !phone@0
		user take: phone@0
		now: ume
		catch-all: take
		calls take: busy 2s
		until 10s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip nemo unknown_user
		0:00  fallback take
		0:00  page take fallback
		0:00  call take
		0:02    take busy
		0:02  unreached take busy
	`)
}

func TestR13_ARoundThatCanAskNobodySaysSoAndWaitsLongerEachTime(t *testing.T) {
	t.Parallel()
	story(t, `
		level: nemo | in_order 5m
		fallback: nemo
		now: nemo
		until 4m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip nemo unknown_user
		0:00  fallback nemo
		0:00  skip nemo unknown_user
		0:00  unreachable
		1:00  round 2
		1:00  level 1
		1:00  skip nemo unknown_user
		1:00  fallback nemo
		1:00  skip nemo unknown_user
		1:00  unreachable
		3:00  round 3
		3:00  level 1
		3:00  skip nemo unknown_user
		3:00  fallback nemo
		3:00  skip nemo unknown_user
		3:00  unreachable
	`)
}

func TestR13_WhoeverComesBackIsPagedAtOnce(t *testing.T) {
	t.Parallel()
	story(t, `
		level: nemo | in_order 5m
		fallback: nemo
		at 2m: hire nemo
		calls nemo: busy 2s
		until 2m1s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip nemo unknown_user
		0:00  fallback nemo
		0:00  skip nemo unknown_user
		0:00  unreachable
		1:00  round 2
		1:00  level 1
		1:00  skip nemo unknown_user
		1:00  fallback nemo
		1:00  skip nemo unknown_user
		1:00  unreachable
		2:00  world_changed user nemo
		2:00  round 3
		2:00  level 1
		2:00  page nemo
		2:00  call nemo
	`)
}

// The third round would come at 3:00; a's shift begins before.
func TestR13_AShiftEndsTheWaitOfARoundThatCouldAskNobody(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		duty night: - 150s, a
		level: night | in_order 5m
		fallback: nemo
		until 150s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip night nobody_on_duty
		0:00  fallback nemo
		0:00  skip nemo unknown_user
		0:00  unreachable
		1:00  round 2
		1:00  level 1
		1:00  skip night nobody_on_duty
		1:00  fallback nemo
		1:00  skip nemo unknown_user
		1:00  unreachable
		2:30  round 3
		2:30  level 1
		2:30  page a
		2:30  call a
	`)
}
