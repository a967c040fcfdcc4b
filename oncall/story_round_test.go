package oncall

import "testing"

func TestR12_RoundsTakeAtLeastAMinute(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 5m
		calls a: busy 1s
		calls boss: busy 1s
		until 2m30s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:01    a busy
		0:01  unreached a busy
		0:01  fallback boss
		0:01  page boss fallback
		0:01  call boss
		0:02    boss busy
		0:02  unreached boss busy
		1:00  round 2
		1:00  level 1
		1:00  page a
		1:00  call a
		1:01    a busy
		1:01  unreached a busy
		1:01  fallback boss
		1:01  page boss fallback
		1:01  call boss
		1:02    boss busy
		1:02  unreached boss busy
		2:00  round 3
		2:00  level 1
		2:00  page a
		2:00  call a
		2:01    a busy
		2:01  unreached a busy
		2:01  fallback boss
		2:01  page boss fallback
		2:01  call boss
		2:02    boss busy
		2:02  unreached boss busy
	`)
}

// The fallback stands in the last round only; the weekend gets no reminder.
func TestR12_ALowUrgencyIsUnansweredAfterItsRoundsAndRemindsEveryDay(t *testing.T) {
	t.Parallel()
	story(t, `
		low:
		begin: Tue 10:00
		user a: slack@0
		level: a | in_order 5m
		rounds: 2
		service: hours
		until 145h
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  slack a
		0:01    a sent
		5:00  unreached a timeout
		5:00  round 2
		5:00  level 1
		5:00  page a
		5:00  slack a
		5:01    a sent
		10:00  unreached a timeout
		10:00  fallback boss
		10:00  page boss fallback
		10:00  call boss
		10:25    boss no_answer
		10:25  call boss 2nd
		10:50    boss no_answer
		10:50  unreached boss no_answer
		10:50  unanswered
		10:50  tell reminder a boss
		Wed 10:10:50  unanswered
		Wed 10:10:50  tell reminder a boss
		Thu 10:10:50  unanswered
		Thu 10:10:50  tell reminder a boss
		Fri 10:10:50  unanswered
		Fri 10:10:50  tell reminder a boss
		Mon 09:00:00  unanswered
		Mon 09:00:00  tell reminder a boss
	`)
}

// b has a chat account that the rules leave out; boss has nothing free.
func TestR12_AtTheSpendCapItGoesOnByTheFreeMethods(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0 push@1m
		user b: phone@0
		user c: phone@0 slack@0
		user b: slack phone@0
		capped: 4m
		level: a, b, c | in_order 3m
		until 4m40s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00    a capped
		0:00  capped
		0:00  tell capped
		1:00  push a
		1:00  unreached a timeout
		1:00  page b
		1:00    b capped
		1:00  slack b
		1:01    a sent
		1:01    b sent
		2:00  unreached b timeout
		2:00  page c
		2:00    c capped
		2:00  slack c
		2:01    c sent
		3:00  unreached c timeout
		3:00  fallback boss
		3:00  page boss fallback
		3:00    boss capped
		3:00  unreached boss capped
		3:00  round 2
		3:00  level 1
		3:00  page a
		3:00    a capped
		3:00  capped
		3:00  tell capped a b c
		4:00  push a
		4:00  unreached a timeout
		4:00  page b
		4:00  call b
		4:01    a sent
		4:25    b no_answer
		4:25  call b 2nd
	`)
}

func TestR13_NobodyOnDutyIsSkippedAtOnce(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		duty infra: - 10m, a
		level: infra | in_order 5m
		level: gone | in_order 5m
		level: | in_order 5m
		level: nemo | in_order 5m
		calls boss: key1 5s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip infra nobody_on_duty
		0:00  level 2
		0:00  skip gone unknown_schedule
		0:00  level 3
		0:00  skip empty_level
		0:00  level 4
		0:00  skip nemo unknown_user
		0:00  fallback boss
		0:00  page boss fallback
		0:00  call boss
		0:05  acknowledged boss
		0:05  tell taken
	`)
}

func TestR13_AnEmptyRotaEndsAtTheFallbackInEveryRound(t *testing.T) {
	t.Parallel()
	story(t, `
		duty infra: -
		level: infra | in_order 5m
		calls boss: busy 2s
		until 2m30s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip infra nobody_on_duty
		0:00  fallback boss
		0:00  page boss fallback
		0:00  call boss
		0:02    boss busy
		0:02  unreached boss busy
		1:00  round 2
		1:00  level 1
		1:00  skip infra nobody_on_duty
		1:00  fallback boss
		1:00  page boss fallback
		1:00  call boss
		1:02    boss busy
		1:02  unreached boss busy
		2:00  round 3
		2:00  level 1
		2:00  skip infra nobody_on_duty
		2:00  fallback boss
		2:00  page boss fallback
		2:00  call boss
		2:02    boss busy
		2:02  unreached boss busy
	`)
}

// A hand-over holds nobody up but has its five minutes; the other pager is told what follows.
func TestR13_TheFallbackMayBeAnotherPager(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 5m
		fallback: pager other
		calls a: busy 2s
		at 7m: acknowledge a
		at 9m: resolve
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a busy
		0:02  unreached a busy
		0:02  fallback other
		0:02  page other fallback
		0:02  events other
		0:03    other sent
		5:02  unreached other timeout
		5:02  round 2
		5:02  level 1
		5:02  page a
		5:02  call a
		5:04    a busy
		5:04  unreached a busy
		5:04  fallback other
		5:04  page other fallback
		5:04  events other
		5:05    other sent
		7:00  acknowledged a
		7:00  tell taken pager:other
		9:00  resolved
		9:00  tell healed a pager:other
	`)
}

func TestR13_WithoutAnyFallbackTheRoundsGoOn(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 5m
		fallback:
		calls a: busy 2s
		until 65s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a busy
		0:02  unreached a busy
		0:02  fallback
		0:02  skip no_fallback
		1:00  round 2
		1:00  level 1
		1:00  page a
		1:00  call a
		1:02    a busy
		1:02  unreached a busy
		1:02  fallback
		1:02  skip no_fallback
	`)
}

func TestR13_AFallbackThatIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		fallback: nemo
		calls a: busy 2s
		until 1m1s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a busy
		0:02  unreached a busy
		0:02  fallback nemo
		0:02  skip nemo unknown_user
		1:00  round 2
		1:00  level 1
		1:00  page a
		1:00  call a
	`)
}
