package oncall

import "testing"

func TestR16_AnAcknowledgementIsAskedForAndLapses(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: b, a | in_order 10m
		calls b: busy 2s
		calls a: key1 8s, busy 2s, key1 8s
		until 40m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page b
		0:00  call b
		0:02    b busy
		0:02  unreached b busy
		0:02  page a
		0:02  call a
		0:10  acknowledged a
		0:10  tell taken b
		25:10  asked a
		25:10  tell still_on a
		30:10  lapsed a
		30:10  round 1
		30:10  level first
		30:10  page a first
		30:10  call a
		30:12    a busy
		30:12  unreached a busy
		30:12  level 1
		30:12  page b
		30:12  call b
		30:14    b busy
		30:14  unreached b busy
		30:14  page a
		30:14  call a
		30:22  acknowledged a
		30:22  tell taken b
	`)
}

func TestR16_AnythingTheHolderDoesRenews(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		calls a: key1 10s
		at 26m: renew a
		at 40m: renew a
		until 69m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:10  acknowledged a
		0:10  tell taken
		25:10  asked a
		25:10  tell still_on a
		26:00  renewed a
		40:00  renewed a
		65:00  asked a
		65:00  tell still_on a
	`)
}

func TestR16_AShortHoldIsAskedForHalfWay(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		at 10s: acknowledge a 4m
		until 4m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:10  acknowledged a
		0:10  hang up 1
		0:10  tell taken
		2:10  asked a
		2:10  tell still_on a
	`)
}

func TestR16_ASnoozeHasItsOwnEndAndARenewalNeverShortensIt(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		calls a: key1 10s
		at 1m: snooze a 90m
		at 2m: renew a
		until 92m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:10  acknowledged a
		0:10  tell taken
		1:00  snoozed a
		2:00  renewed a
		86:00  asked a
		86:00  tell still_on a
		91:00  lapsed a
		91:00  round 1
		91:00  level first
		91:00  page a first
		91:00  call a
		91:10  acknowledged a
		91:10  tell taken
	`)
}

func TestR4_AReopenedIncidentPagesItsLastHolderFirst(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a, b | in_order 10m
		calls a: busy 2s
		calls b: key1 5s, no_answer 20s
		at 5m: resolve
		at 8m: reopen
		until 9m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a busy
		0:02  unreached a busy
		0:02  page b
		0:02  call b
		0:07  acknowledged b
		0:07  tell taken a
		5:00  resolved
		5:00  tell healed b
		8:00  reopened
		8:00  round 1
		8:00  level first
		8:00  page b first
		8:00  call b
		8:20    b no_answer
		8:20  call b 2nd
		8:40    b no_answer
		8:40  unreached b no_answer
		8:40  level 1
		8:40  page a
		8:40  call a
		8:42    a busy
		8:42  unreached a busy
		8:42  page b
		8:42  call b
	`)
}

func TestR16_AnUnansweredLowUrgencyCanStillBeTakenAndEscalated(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		user a: slack@0
		level: a | in_order 1m
		rounds: 1
		calls boss: no_answer 25s
		at 10m: escalate a
		at 10m30s: acknowledge a
		until 20m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  slack a
		0:01    a sent
		1:00  unreached a timeout
		1:00  fallback boss
		1:00  page boss fallback
		1:00  call boss
		1:25    boss no_answer
		1:25  call boss 2nd
		1:50    boss no_answer
		1:50  unreached boss no_answer
		1:50  unanswered
		1:50  tell reminder a boss
		10:00  escalated a
		10:00  round 2
		10:00  level 1
		10:00  page a
		10:00  slack a
		10:01    a sent
		10:30  acknowledged a
		10:30  tell taken boss
	`)
}

func TestR4_AReopenedIncidentIsYoungAgain(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		service: page_after=60s
		at 30s: resolve
		at 3m: reopen
		calls a: key1 5s
		until 10m
	`, `
		0:00  waiting page_after
		0:30  resolved
		0:30  tell healed
		3:00  reopened
		3:00  waiting page_after
		4:00  round 1
		4:00  level 1
		4:00  page a
		4:00  call a
		4:05  acknowledged a
		4:05  tell taken
	`)
}
