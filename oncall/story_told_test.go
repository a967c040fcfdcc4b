package oncall

import "testing"

// Reached is whoever was contacted, whether they answered or not, and each is told
// once: the others know who has it, so that the end is news to the holder alone.
func TestR15_OfTheEndOnlyWhoHasItIsTold(t *testing.T) {
	t.Parallel()
	story(t, `
		user a: phone@0
		user b: phone@0
		level: a, b | in_order 10m
		calls a: busy 2s
		at 10s: acknowledge b
		at 20s: resolve
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
		0:10  acknowledged b
		0:10  hang up 1
		0:10  tell taken a
		0:20  resolved
		0:20  tell healed b
	`)
}
