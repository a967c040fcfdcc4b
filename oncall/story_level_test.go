package oncall

import "testing"

// S3: A again and again, then B, then A, with the waits shortened.
func TestR10_TheSamePersonIsCalledForTenMinutesThenTheNext(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a | in_order 2m again
		level: b | in_order 2m again
		level: a | in_order 2m again
		fallback: boss
		calls boss: busy 2s
		calls a: busy 2s, no_answer 25s
		until 8m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:02    a busy
		0:02  unreached a busy again
		0:30  page a again
		0:30  call a
		0:55    a no_answer
		0:55  call a 2nd
		1:20    a no_answer
		1:20  unreached a no_answer again
		1:20  page a again
		1:20  call a
		1:45    a no_answer
		1:45  call a 2nd
		2:00  unreached a timeout
		2:00  level 2
		2:00  page b
		2:00  call b
		2:10    a no_answer
		2:25    b no_answer
		2:25  call b 2nd
		2:50    b no_answer
		2:50  unreached b no_answer again
		2:50  page b again
		2:50  call b
		3:15    b no_answer
		3:15  call b 2nd
		3:40    b no_answer
		3:40  unreached b no_answer again
		3:40  page b again
		3:40  call b
		4:00  unreached b timeout
		4:00  level 3
		4:00  page a
		4:00  call a
		4:05    b no_answer
		4:05  call b 2nd
		4:25    a no_answer
		4:25  call a 2nd
		4:30    b no_answer
		4:50    a no_answer
		4:50  unreached a no_answer again
		4:50  page a again
		4:50  call a
		5:15    a no_answer
		5:15  call a 2nd
		5:40    a no_answer
		5:40  unreached a no_answer again
		5:40  page a again
		5:40  call a
		6:00  unreached a timeout
		6:00  fallback boss
		6:00  page boss fallback
		6:00  call boss
		6:02    boss busy
		6:02  unreached boss busy
		6:02  round 2
		6:02  level 1
		6:02  page a joined
		6:05    a no_answer
		6:05  call a 2nd
		6:30    a no_answer
		6:30  unreached a no_answer again
		6:30  page a again
		6:30  call a
		6:55    a no_answer
		6:55  call a 2nd
		7:20    a no_answer
		7:20  unreached a no_answer again
		7:20  page a again
		7:20  call a
		7:45    a no_answer
		7:45  call a 2nd
	`)
}

func TestR10_TenMinutesOfATenOfBTenOfA(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a | in_order 10m again
		level: b | in_order 10m again
		level: a | in_order 10m again
		calls a: no_input 110s
		calls b: no_input 100s
		until 21m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		1:50    a no_input
		1:50  unreached a no_input again
		1:50  page a again
		1:50  call a
		3:40    a no_input
		3:40  unreached a no_input again
		3:40  page a again
		3:40  call a
		5:30    a no_input
		5:30  unreached a no_input again
		5:30  page a again
		5:30  call a
		7:20    a no_input
		7:20  unreached a no_input again
		7:20  page a again
		7:20  call a
		9:10    a no_input
		9:10  unreached a no_input again
		9:10  page a again
		9:10  call a
		10:00  unreached a timeout
		10:00  level 2
		10:00  page b
		10:00  call b
		11:00    a no_input
		11:40    b no_input
		11:40  unreached b no_input again
		11:40  page b again
		11:40  call b
		13:20    b no_input
		13:20  unreached b no_input again
		13:20  page b again
		13:20  call b
		15:00    b no_input
		15:00  unreached b no_input again
		15:00  page b again
		15:00  call b
		16:40    b no_input
		16:40  unreached b no_input again
		16:40  page b again
		16:40  call b
		18:20    b no_input
		18:20  unreached b no_input again
		18:20  page b again
		18:20  call b
		20:00    b no_input
		20:00  unreached b no_input
		20:00  level 3
		20:00  page a
		20:00  call a
	`)
}

// S1: the list goes round, and round again.
func TestR10_TheCallListStartsFromTheNextPersonAtEachIncident(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		user c: phone@0
		level: a, b, c | round_robin 10m each 2m
		turn: 4
		calls b: busy 1s
		calls c: no_input 40s
		calls a: rejected 3s
		calls boss: busy 1s
		until 90s
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page b
		0:00  call b
		0:01    b busy
		0:01  unreached b busy
		0:01  page c
		0:01  call c
		0:41    c no_input
		0:41  unreached c no_input
		0:41  page a
		0:41  call a
		0:44    a rejected
		0:44  unreached a rejected
		0:44  fallback boss
		0:44  page boss fallback
		0:44  call boss
		0:45    boss busy
		0:45  unreached boss busy
		1:00  round 2
		1:00  level 1
		1:00  page b
		1:00  call b
		1:01    b busy
		1:01  unreached b busy
		1:01  page c
		1:01  call c
	`)
}

func TestR10_AllArePagedAtOnceAndEachFailsAlone(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		user c: push@0
		level: a, b, c | all 5m
		level: boss | in_order 5m
		calls a: busy 2s
		calls b: rejected 4s
		until 6m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  page b
		0:00  page c
		0:00  call a
		0:00  call b
		0:00  push c
		0:01    c sent
		0:02    a busy
		0:02  unreached a busy
		0:04    b rejected
		0:04  unreached b rejected
		5:00  unreached c timeout
		5:00  level 2
		5:00  page boss
		5:00  call boss
		5:25    boss no_answer
		5:25  call boss 2nd
		5:50    boss no_answer
		5:50  unreached boss no_answer
		5:50  fallback boss
		5:50  page boss fallback
		5:50  call boss
	`)
}

func TestR10_OnePersonInTwoTargetsIsPagedOnce(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		duty infra: a
		level: a, infra | all 5m
		level: infra, a | in_order 5m
		calls a: busy 2s
		calls boss: no_input 2m
		until 1m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  page a joined
		0:00  call a
		0:02    a busy
		0:02  unreached a busy
		0:02  level 2
		0:02  page a
		0:02  call a
		0:04    a busy
		0:04  unreached a busy
		0:04  skip a already_paged
		0:04  fallback boss
		0:04  page boss fallback
		0:04  call boss
	`)
}

func TestR10_AgainEndsWhenThereIsNoTimeForAnotherStart(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a, b | in_order 10m each 25s again
		calls a: busy 2s
		calls b: key1 5s
		until 1m
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
	`)
}

func TestR10_AgainStartsTheRulesAnewAndPutsNoLaterStepOff(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0 sms@40s phone@50s
		level: a | in_order 10m again
		calls a: busy 2s, busy 2s, no_input 55s
		until 2m40s
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
		0:40  sms a
		0:41    a sent
		0:50  call a
		1:45    a no_input
		1:45  unreached a no_input again
		1:45  page a again
		1:45  call a
		2:25  sms a
		2:26    a sent
		2:40    a no_input
		2:40  call a
	`)
}

func TestR10_AgainDoesNotPileUpMessagesThatAProviderSitsOn(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0 push@0
		level: a | in_order 10m again
		calls a: busy 2s
		sent push: lost
		until 4m
	`, `
		0:00  round 1
		0:00  level 1
		0:00  page a
		0:00  call a
		0:00  push a
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
		1:30  page a again
		1:30  call a
		1:32    a busy
		1:32  unreached a busy again
		2:00  page a again
		2:00  call a
		2:02    a busy
		2:02  unreached a busy again
		2:30  page a again
		2:30  call a
		2:32    a busy
		2:32  unreached a busy again
		3:00    a undeliverable gave_up
		3:00  hang up 1
		3:00  page a again
		3:00  push a
		3:00  call a
		3:02    a busy
		3:02  unreached a busy again
		3:30  page a again
		3:30  call a
		3:32    a busy
		3:32  unreached a busy again
		4:00  page a again
		4:00  call a
	`)
}
