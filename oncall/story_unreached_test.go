package oncall

import "testing"

func TestR11_BusyMovesOnAndNoAnswerIsCalledASecondTime(t *testing.T) {
	t.Parallel()
	story(t, `
		user matsu: phone@0
		user take: phone@0
		user ume: phone@0
		level: matsu, take, ume | in_order 10m
		calls matsu: busy 2s
		calls ume: key1 9s
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page matsu
		0:00  call matsu
		0:02    matsu busy
		0:02  unreached matsu busy
		0:02  page take
		0:02  call take
		0:27    take no_answer
		0:27  call take 2nd
		0:52    take no_answer
		0:52  unreached take no_answer
		0:52  page ume
		0:52  call ume
		1:01  acknowledged ume
		1:01  tell taken matsu take
	`)
}

// A push at once and a call after two minutes; then somebody whom only messages reach.
func TestR11_OneWayMethodsKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: push@0 phone@2m
		user b: slack@0
		user c: phone@0
		level: a, b, c | in_order 9m
		calls a: busy 2s
		calls c: key1 5s
		until 10m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  push a
		0:01    a sent
		2:00  call a
		2:02    a busy
		2:02  unreached a busy
		2:02  page b
		2:02  slack b
		2:03    b sent
		5:02  unreached b timeout
		5:02  page c
		5:02  call c
		5:07  acknowledged c
		5:07  tell taken a b
	`)
}

func TestR11_ATargetThatNothingReachesFailsAtOnce(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: slack@0
		user b: phone@0
		level: a, b | in_order 9m
		sent slack: undeliverable
		calls b: key1 5s
		until 1m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  slack a
		0:01    a undeliverable
		0:01  unreached a undeliverable
		0:01  page b
		0:01  call b
		0:06  acknowledged b
		0:06  tell taken a
	`)
}

// Nothing is heard of the first call; its later SMS still goes out.
func TestR11_TheTimeOfATargetBoundsIt(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0 sms@1m
		user b: phone@0
		level: a, b | in_order 10m each 40s
		calls a: lost
		calls b: key1 30s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:40  unreached a timeout
		0:40  page b
		0:40  call b
		1:00  sms a
		1:01    a sent
		1:10  acknowledged b
		1:10  hang up 1
		1:10  tell taken a
	`)
}

func TestR11_TheWaitOfALevelBoundsTheLevel(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		user c: phone@0
		level: a, b | in_order 1m each 50s
		level: c | in_order 5m
		calls a: lost
		calls b: no_answer 25s
		calls c: key1 5s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:50  unreached a timeout
		0:50  page b
		0:50  call b
		1:00  unreached b timeout
		1:00  level 2
		1:00  page c
		1:00  call c
		1:05  acknowledged c
		1:05  hang up 2
		1:05  tell taken a b
	`)
}

func TestR11_ACallOfWhichNothingIsHeardIsGivenUp(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		calls a: lost
		calls boss: key1 5s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		3:00    a undeliverable gave_up
		3:00  hang up 1
		3:00  unreached a undeliverable
		3:00  fallback boss
		3:00  page boss fallback
		3:00  call boss
		3:05  acknowledged boss
		3:05  tell taken a
	`)
}

// The call of level 1 still rings when level 2 begins: it is joined.
func TestR11_AUserInTwoLevelsIsPagedInBothButNotTwiceAtOnce(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0 sms@3m
		user b: phone@0
		level: a | in_order 20s
		level: a, b, a | in_order 10m
		calls a: no_answer 25s
		calls b: busy 2s
		calls boss: key1 5s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:20  unreached a timeout
		0:20  level 2
		0:20  page a joined
		0:25    a no_answer
		0:25  call a 2nd
		0:50    a no_answer
		0:50  unreached a no_answer
		0:50  page b
		0:50  call b
		0:52    b busy
		0:52  unreached b busy
		0:52  skip a already_paged
		0:52  fallback boss
		0:52  page boss fallback
		0:52  call boss
		0:57  acknowledged boss
		0:57  tell taken a b
	`)
}

func TestR11_ANewPageDropsWhatWasLeftOfTheOld(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0 sms@3m
		user b: phone@0
		level: a | in_order 5m
		level: a | in_order 5m
		calls a: busy 2s
		calls boss: no_input 4m
		until 4m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a busy
		0:02  unreached a busy
		0:02  level 2
		0:02  page a
		0:02  call a
		0:04    a busy
		0:04  unreached a busy
		0:04  fallback boss
		0:04  page boss fallback
		0:04  call boss
		3:02  sms a
		3:03    a sent
		3:04    boss undeliverable gave_up
		3:04  hang up 1
		3:04  unreached boss undeliverable
		3:04  round 2
		3:04  level 1
		3:04  page a
		3:04  call a
		3:06    a busy
		3:06  unreached a busy
		3:06  level 2
		3:06  page a
		3:06  call a
		3:08    a busy
		3:08  unreached a busy
		3:08  fallback boss
		3:08  page boss fallback
		3:08  call boss
	`)
}

func TestR11_ATargetPagerThatRefusesMovesOn(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: pager other, a | in_order 10m
		sent events: undeliverable
		calls a: key1 5s
		until 1m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page other
		0:00  events other
		0:01    other undeliverable
		0:01  unreached other undeliverable
		0:01  page a
		0:01  call a
		0:06  acknowledged a
		0:06  tell taken pager:other
	`)
}

func TestR11_ATargetPagerThatTakesItHasItsTime(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: pager other, a | in_order 10m each 2m
		calls a: key1 5s
		until 3m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page other
		0:00  events other
		0:01    other sent
		2:00  unreached other timeout
		2:00  page a
		2:00  call a
		2:05  acknowledged a
		2:05  tell taken pager:other
	`)
}

func TestR11_ACallThatTheProviderTookIsNotOver(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		level: a | in_order 10m
		at 1s: outcome 1 sent
		at 2s: outcome 1 bogus
		at 3s: outcome 1 busy
		calls a: lost
		calls boss: key1 5s
		until 1m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a undeliverable
		0:02  unreached a undeliverable
		0:02  fallback boss
		0:02  page boss fallback
		0:02  call boss
		0:07  acknowledged boss
		0:07  tell taken a
	`)
}
