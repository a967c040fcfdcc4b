package oncall

import "testing"

// The tail goes on: later lanes still go out after the chain has passed.
func TestR20_RulesRunByTheirDelaysFromThePage(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: push@0 slack@0 phone@0 phone@2m sms@5m
		user b: push@0
		level: a | in_order 10m
		level: b | in_order 10m
		calls a: no_answer 20s
		until 6m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  push a
		0:00  slack a
		0:00  call a
		0:01    a sent
		0:01    a sent
		0:20    a no_answer
		0:20  call a 2nd
		0:40    a no_answer
		0:40  unreached a no_answer
		0:40  level 2
		0:40  page b
		0:40  push b
		0:41    b sent
		2:00  call a
		2:20    a no_answer
		2:20  call a 2nd
		2:40    a no_answer
		5:00  sms a
		5:01    a sent
	`)
}

func TestR20_WithoutUsableRulesAllPhonesRing(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: !phone@0 sms mobile
		user b: phone mobile !slack push
		user c: slack
		user d: !phone
		level: a, b, c, d | in_order 12m each 3m
		calls a: busy 2s
		calls b: busy 2s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip a phone unverified
		0:00  page a
		0:00  call a mobile
		0:02    a mobile busy
		0:02  unreached a busy
		0:02  page b
		0:02  call b
		0:02  call b mobile
		0:04    b busy
		0:04    b mobile busy
		0:04  unreached b busy
		0:04  page c
		0:04  slack c
		0:05    c sent
		3:04  unreached c timeout
		3:04  skip d no_contact
		3:04  fallback boss
		3:04  page boss fallback
		3:04  call boss
		3:29    boss no_answer
		3:29  call boss 2nd
		3:54    boss no_answer
		3:54  unreached boss no_answer
		3:54  round 2
		3:54  level 1
		3:54  page a
		3:54  call a mobile
		3:56    a mobile busy
		3:56  unreached a busy
		3:56  page b
		3:56  call b
		3:56  call b mobile
		3:58    b busy
		3:58    b mobile busy
		3:58  unreached b busy
		3:58  page c
		3:58  slack c
		3:59    c sent
	`)
}

func TestR20_ALowUrgencyWithoutRulesFollowsThoseOfHigh(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		user a high: push@0
		user a: phone push
		user b: phone push
		user a low:
		user a high: push@0
		user b high:
		user b low:
		level: a, b | in_order 10m each 1m
		rounds: 1
		calls b: busy 2s
		calls boss: busy 1s
		until 2m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  push a
		0:01    a sent
		1:00  unreached a timeout
		1:00  page b
		1:00  call b
		1:02    b busy
		1:02  unreached b busy
		1:02  fallback boss
		1:02  page boss fallback
		1:02  call boss
		1:03    boss busy
		1:03  unreached boss busy
		1:03  unanswered
		1:03  tell reminder a b boss
	`)
}

func TestR20_AServiceThatNeverCallsSendsMessages(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0 slack@0
		user b: phone@0 slack
		user c: phone@0
		user boss: mail@0
		service: no_calls
		level: a, b, c | in_order 3m
		until 3m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip a phone no_calls
		0:00  page a
		0:00  slack a
		0:01    a sent
		1:00  unreached a timeout
		1:00  skip b phone no_calls
		1:00  page b
		1:00  slack b
		1:01    b sent
		2:00  unreached b timeout
		2:00  skip c phone no_calls
		2:00  skip c no_contact
		2:00  fallback boss
		2:00  page boss fallback
		2:00  mail boss
		2:01    boss sent
	`)
}

// Quiet is not silent: boss has nothing but a phone.
func TestR13_AServiceThatNeverCallsCallsAFallbackWithoutAnotherWay(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		service: no_calls
		level: a, boss | in_order 4m
		until 55s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip a phone no_calls
		0:00  skip a no_contact
		0:00  skip boss phone no_calls
		0:00  skip boss no_contact
		0:00  fallback boss
		0:00  page boss fallback
		0:00  call boss
		0:25    boss no_answer
		0:25  call boss 2nd
		0:50    boss no_answer
		0:50  unreached boss no_answer
	`)
}

// With low urgency nobody's phone rings, and it does not go on for ever.
func TestR13_ALowUrgencyThatReachesNobodySaysSoEveryDay(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		user a: phone@0
		service: no_calls
		level: a | in_order 4m
		rounds: 1
		until 25h
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip a phone no_calls
		0:00  skip a no_contact
		0:00  fallback boss
		0:00  skip boss phone no_calls
		0:00  skip boss no_contact
		0:00  unreachable
		0:00  unanswered
		0:00  tell reminder
		Wed 10:00:00  round 2
		Wed 10:00:00  level 1
		Wed 10:00:00  skip a no_contact
		Wed 10:00:00  fallback boss
		Wed 10:00:00  skip boss no_contact
		Wed 10:00:00  unreachable
		Wed 10:00:00  unanswered
		Wed 10:00:00  tell reminder
	`)
}
