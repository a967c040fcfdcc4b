package oncall

import "testing"

func TestR15_AcknowledgingDuringARingStopsEverything(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: push@0 phone@0 sms@1m
		user b: phone@0
		level: a, b | all 10m
		at 10s: acknowledge b
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  page b
		0:00  push a
		0:00  call a
		0:00  call b
		0:01    a sent
		0:10  acknowledged b
		0:10  hang up 2
		0:10  tell taken a
	`)
}

func TestR15_ACallerWhoPressesTheKeyIsNotHungUp(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a, b | all 10m
		calls a: key1 12s
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  page b
		0:00  call a
		0:00  call b
		0:12  acknowledged a
		0:12  hang up 1
		0:12  tell taken b
	`)
}

func TestR15_HealedByItselfTellsThoseReached(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a, b | in_order 10m
		calls a: busy 2s
		at 10s: resolve
		at 20s: acknowledge a
		at 21s: escalate a
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a busy
		0:02  unreached a busy
		0:02  page b
		0:02  call b
		0:10  resolved
		0:10  hang up 1
		0:10  tell healed a b
		0:20  too_late a acknowledge
		0:21  too_late a escalate
	`)
}

func TestR15_YoungerThanPageAfterPagesNobody(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		service: page_after=90s
		at 30s: due
		calls a: key9 9s
		until 10m
	`, `
		0:00  waiting page_after
		1:30  round 1
		1:30  level 1
		1:30  page a
		1:30  call a
		1:39  resolved a
		1:39  tell healed
	`)
}

func TestR15_WhatHealsWithinPageAfterReachesNobody(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		service: page_after=90s
		at 40s: resolve
		until 10m
	`, `
		0:00  waiting page_after
		0:40  resolved
		0:40  tell healed
	`)
}

func TestR21_KeyTwoPassesOnToTheNext(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0 mobile@0 sms@1m
		user b: phone@0
		level: a, b | in_order 10m
		calls a: key2 8s, no_answer 25s
		calls b: key1 5s
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:00  call a mobile
		0:08  declined a a
		0:08  hang up 1
		0:08  page b
		0:08  call b
		0:13  acknowledged b
		0:13  tell taken a
	`)
}

func TestR21_APersonMayDeclineWithoutACall(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: push@0 phone@1m
		user b: phone@0
		level: a, b | in_order 10m again
		at 20s: decline a
		at 21s: decline a
		calls b: busy 2s
		until 40s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  push a
		0:01    a sent
		0:20  declined a a
		0:20  page b
		0:20  call b
		0:21  too_late a declined
		0:22    b busy
		0:22  unreached b busy again
	`)
}

// b had the phone in the hand: first in time holds, the second sees it.
func TestR15_ALateKeyIsANote(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a, b | all 10m
		calls a: key1 10s
		at 12s: acknowledge b
		at 14s: decline b
		at 20s: outcome 2 no_answer
		at 21s: outcome 2 no_answer
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  page b
		0:00  call a
		0:00  call b
		0:10  acknowledged a
		0:10  hang up 1
		0:10  tell taken b
		0:12  too_late b acknowledge
		0:14  too_late b declined
		0:20    b no_answer
	`)
}

func TestR18_WhatBelongsToAnOlderEpochIsVoid(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		at 20s: acknowledge a 10m
		at 11m: stale acknowledged
		at 11m: stale escalate
		at 11m1s: outcome 1 busy
		at 11m2s: outcome 1 busy
		at 11m3s: outcome 77 busy
		until 11m10s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:20  acknowledged a
		0:20  hang up 1
		0:20  tell taken
		5:20  asked a
		5:20  tell still_on a
		10:20  lapsed a
		10:20  round 1
		10:20  level first
		10:20  page a first
		10:20  call a
		10:45    a no_answer
		10:45  call a 2nd
		11:00  too_late matsu escalate
		11:01    busy
		11:02    busy
		11:03    busy
		11:10    a no_answer
		11:10  unreached a no_answer
		11:10  level 1
		11:10  page a
		11:10  call a
	`)
}

func TestR15_PageAfterAndSupportHoursBothHold(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Fri 17:59
		user a: phone@0
		level: a | in_order 10m
		service: hours page_after=2m
		calls a: key1 5s
		until 80h
	`, `
		0:00  waiting page_after
		2:00  waiting support_hours
		Mon 09:00:00  round 1
		Mon 09:00:00  level 1
		Mon 09:00:00  page a
		Mon 09:00:00  call a
		Mon 09:00:05  acknowledged a
		Mon 09:00:05  tell taken
	`)
}
