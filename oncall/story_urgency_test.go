package oncall

import "testing"

func TestR6_ALowUrgencyWaitsForTheSupportHoursOverAWeekend(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Fri 18:30
		user a: phone@0
		level: a | in_order 10m
		service: hours
		calls a: key1 5s
		until 80h
	`, `
		0:00  waiting support_hours
		Mon 09:00:00  round 1
		Mon 09:00:00  level 1
		Mon 09:00:00  page a
		Mon 09:00:00  call a
		Mon 09:00:05  acknowledged a
		Mon 09:00:05  tell taken
	`)
}

func TestR6_ALowUrgencyThatMeetsTheEndOfTheHoursGoesOnInTheNext(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Fri 17:59
		user a: phone@0 sms@4m
		user b: phone@0
		level: a, b | in_order 10m each 3m
		rounds: 1
		service: hours
		calls a: no_answer 25s
		calls b: no_answer 30s
		calls boss: busy 2s
		until 70h
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:25    a no_answer
		0:25  call a 2nd
		0:50    a no_answer
		0:50  unreached a no_answer
		0:50  page b
		0:50  call b
		1:20    b no_answer
		1:20  waiting support_hours
		Mon 09:00:00  call b 2nd
		Mon 09:00:30    b no_answer
		Mon 09:00:30  unreached b no_answer
		Mon 09:00:30  fallback boss
		Mon 09:00:30  page boss fallback
		Mon 09:00:30  call boss
		Mon 09:00:32    boss busy
		Mon 09:00:32  unreached boss busy
		Mon 09:00:32  unanswered
		Mon 09:00:32  tell reminder a b boss
		Mon 09:02:40  sms a
		Mon 09:02:41    a sent
	`)
}

func TestR6_ARaisedUrgencyDoesNotWait(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Fri 18:30
		user a: phone@0
		level: a | in_order 10m
		service: hours
		at 4m: raise
		calls a: key1 5s
		until 10m
	`, `
		0:00  waiting support_hours
		4:00  raised
		4:00  round 1
		4:00  level 1
		4:00  page a
		4:00  call a
		4:05  acknowledged a
		4:05  tell taken
	`)
}

func TestR2_AUrgencyRaisedWhilePagingBeginsAnew(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		user a low: slack@0 phone
		user a high: slack@0 phone@0
		user b: slack@0
		level: b, a | in_order 10m
		rounds: 1
		at 6m: raise
		until 7m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page b
		0:00  slack b
		0:01    b sent
		5:00  unreached b timeout
		5:00  page a
		5:00  slack a
		5:01    a sent
		6:00  raised
		6:00  round 1
		6:00  level 1
		6:00  page b
		6:00  slack b
		6:01    b sent
	`)
}

func TestR6_AnUrgencyRaisedOnAHeldIncidentPagesNobody(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		user a: phone@0
		level: a | in_order 10m
		calls a: key1 5s
		at 1m: raise
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:05  acknowledged a
		0:05  tell taken
		1:00  raised
	`)
}

func TestR6_SupportHoursThatAreEditedEndTheWait(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Fri 18:30
		user a: phone@0
		level: a | in_order 10m
		service: hours
		at 30m: hours
		calls a: key1 5s
		until 60m
	`, `
		0:00  waiting support_hours
		30:00  world_changed service shop
		30:00  round 1
		30:00  level 1
		30:00  page a
		30:00  call a
		30:05  acknowledged a
		30:05  tell taken
	`)
}

func TestR6_AFrozenRoundGoesOnWhereItStoodWhenTheHoursAreEdited(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Fri 17:59
		user a: push@0 phone@2m
		level: a | in_order 10m
		service: hours
		at 30s: responder boss boss
		at 30m: hours
		calls a: key1 5s
		until 60m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  push a
		0:01    a sent
		0:30  responder boss boss
		0:30  page boss responder
		0:30  call boss
		0:55    boss no_answer
		0:55  call boss 2nd
		1:20    boss no_answer
		1:20  waiting support_hours
		1:20  unreached boss no_answer
		30:40  call a
		30:45  acknowledged a
		30:45  tell taken boss
	`)
}

func TestR6_ASecondCallThatComesUpOutsideTheHoursWaitsForThem(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Fri 17:59
		user a: phone@0
		user b: phone@0
		level: a, b | all 10m
		service: hours
		calls a: busy 70s
		calls b: no_answer 90s
		at 2m: escalate a
		at 2m10s: decline boss
		until 63h2m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  page b
		0:00  call a
		0:00  call b
		1:10    a busy
		1:10  waiting support_hours
		1:30    b no_answer
		2:00  escalated a
		2:00  unreached a escalated
		2:00  unreached b escalated
		2:00  fallback boss
		2:00  page boss fallback
		2:00  call boss
		2:10  declined boss boss
		2:10  hang up 1
		2:10  waiting support_hours
		Mon 09:00:00  call b 2nd
		Mon 09:00:00  unanswered
		Mon 09:00:00  tell reminder a b boss
	`)
}

func TestR6_HoursThatNeverBeginSilenceNobody(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		service: never
		user a: phone@0
		level: a | in_order 10m
		calls a: key1 5s
		until 1m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:05  acknowledged a
		0:05  tell taken
	`)
}
