package oncall

import "testing"

func TestR14_AShiftThatBeginsDuringTheWaitIsPaged(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		duty infra: a 90s, b
		level: infra | in_order 5m again
		calls a: busy 2s
		calls b: key1 5s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a busy
		0:02  unreached a busy again
		0:30  page a again
		0:30  call a
		0:32    a busy
		0:32  unreached a busy again
		1:00  page a again
		1:00  call a
		1:02    a busy
		1:02  unreached a busy again
		1:30  unreached a off_duty
		1:30  page b shift
		1:30  call b
		1:35  acknowledged b
		1:35  tell taken a
	`)
}

func TestR14_ADutyThatBeginsForASkippedTargetIsPaged(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: push@0
		user b: phone@0
		duty infra: - 1m, b
		level: infra, a | in_order 6m each 3m
		calls b: key1 5s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip infra nobody_on_duty
		0:00  page a
		0:00  push a
		0:01    a sent
		1:00  page b shift
		1:00  call b
		1:05  acknowledged b
		1:05  tell taken a
	`)
}

func TestR14_AnOverrideDuringTheWaitIsPaged(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: push@0
		user b: phone@0
		duty infra: a
		level: infra | in_order 5m
		at 30s: override infra b
		calls b: key1 5s
		until 5m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  push a
		0:01    a sent
		0:30  world_changed schedule infra
		0:30  unreached a off_duty
		0:30  page b shift
		0:30  call b
		0:35  acknowledged b
		0:35  tell taken a
	`)
}

func TestR14_AUserWhoLostTheirContactsIsSkippedNotWaitedFor(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a, b | in_order 10m
		at 0: forget a
		calls b: key1 3s
		until 1m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  skip a no_contact
		0:00  page b
		0:00  call b
		0:03  acknowledged b
		0:03  tell taken
	`)
}
