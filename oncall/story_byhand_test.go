package oncall

import "testing"

// A ring goes on: somebody may still answer. Behind the fallback comes the next round.
func TestR17_EscalateNowStartsTheNextLevelAtOnce(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a | in_order 10m again
		level: b | in_order 10m
		at 10s: escalate a
		at 15s: escalate a
		at 20s: escalate a
		until 30s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:10  escalated a
		0:10  unreached a escalated
		0:10  level 2
		0:10  page b
		0:10  call b
		0:15  escalated a
		0:15  unreached b escalated
		0:15  fallback boss
		0:15  page boss fallback
		0:15  call boss
		0:20  escalated a
		0:20  unreached boss escalated
		0:20  round 2
		0:20  level 1
		0:20  page a joined
		0:25    a no_answer
		0:25  call a 2nd
	`)
}

func TestR17_TheHolderPassesItOn(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a | in_order 10m
		level: b | in_order 10m
		calls a: key1 5s
		at 2m: escalate a
		at 2m1s: acknowledge b
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:05  acknowledged a
		0:05  tell taken
		2:00  escalated a
		2:00  level 2
		2:00  page b
		2:00  call b
		2:01  acknowledged b
		2:01  hang up 1
		2:01  tell taken
	`)
}

func TestR17_EscalateNowDoesNotWaitForHours(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Sat 10:00
		user a: phone@0
		user b: phone@0
		level: a | in_order 10m
		level: b | in_order 10m
		service: hours
		calls a: no_answer 25s
		at 1m: escalate b
		until 47h1m
	`, `
		0:00  waiting support_hours
		1:00  escalated b
		1:00  round 1
		1:00  level 1
		1:00  page a
		1:00  call a
		1:25    a no_answer
		1:25  waiting support_hours
		Mon 09:00:00  call a 2nd
		Mon 09:00:25    a no_answer
		Mon 09:00:25  unreached a no_answer
		Mon 09:00:25  level 2
		Mon 09:00:25  page b
		Mon 09:00:25  call b
		Mon 09:00:50    b no_answer
		Mon 09:00:50  call b 2nd
	`)
}

func TestR17_ReassignedGoesToThemFirst(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a | in_order 10m
		at 10s: reassign boss b nemo
		at 12s: outcome 1 no_answer
		calls b: no_answer 25s
		calls a: busy 15s
		calls boss: busy 2s
		until 2m10s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:10  hang up 1
		0:10  redirected boss b nemo
		0:10  round 1
		0:10  level first
		0:10  page b first
		0:10  skip nemo unknown_user
		0:10  call b
		0:12    a no_answer
		0:35    b no_answer
		0:35  call b 2nd
		1:00    b no_answer
		1:00  unreached b no_answer
		1:00  level 1
		1:00  page a
		1:00  call a
		1:15    a busy
		1:15  unreached a busy
		1:15  fallback boss
		1:15  page boss fallback
		1:15  call boss
		1:17    boss busy
		1:17  unreached boss busy
		1:17  round 2
		1:17  level 1
		1:17  page a
		1:17  call a
		1:32    a busy
		1:32  unreached a busy
		1:32  fallback boss
		1:32  page boss fallback
		1:32  call boss
		1:34    boss busy
		1:34  unreached boss busy
	`)
}

func TestR17_ReassignedByItsHolderIsTakenFromThem(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a | in_order 10m
		calls a: key1 5s
		at 1m: reassign a b
		calls b: key1 5s
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:05  acknowledged a
		0:05  tell taken
		1:00  redirected a b
		1:00  round 1
		1:00  level first
		1:00  page b first
		1:00  call b
		1:05  acknowledged b
		1:05  tell taken
	`)
}

func TestR17_AnotherPolicyBeginsAtItsLevelOne(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a | in_order 10m
		other: b | in_order 10m
		at 10s: policy boss
		until 20s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:10  hang up 1
		0:10  redirected boss
		0:10  round 1
		0:10  level 1
		0:10  page b
		0:10  call b
	`)
}

func TestR17_AResponderIsPagedBesideTheHolder(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0 sms@5m
		level: a | in_order 10m
		calls a: key1 5s
		at 1m: responder a b
		calls b: no_answer 25s, key1 5s
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:05  acknowledged a
		0:05  tell taken
		1:00  responder a b
		1:00  page b responder
		1:00  call b
		1:25    b no_answer
		1:25  call b 2nd
		1:30  too_late b acknowledge
	`)
}

func TestR17_AResponderHoldsNothingUp(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a | in_order 10m
		calls a: busy 30s
		calls boss: busy 2s
		at 10s: responder x b
		until 1m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:10  responder x b
		0:10  page b responder
		0:10  call b
		0:30    a busy
		0:30  unreached a busy
		0:30  fallback boss
		0:30  page boss fallback
		0:30  call boss
		0:32    boss busy
		0:32  unreached boss busy
		0:35    b no_answer
		0:35  call b 2nd
		1:00    b no_answer
		1:00  unreached b no_answer
		1:00  round 2
		1:00  level 1
		1:00  page a
		1:00  call a
	`)
}

func TestR17_AnotherPolicyTakesATurnOfItsOwn(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		user c: phone@0
		level: a, b, c | round_robin 10m
		other: a, b | round_robin 10m
		turn: 5
		at 10s: policy boss
		until 20s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page c
		0:00  call c
		0:10  hang up 1
		0:10  redirected boss
		0:10  round 1
		0:10  level 1
		0:10  page b
		0:10  call b
	`)
}
