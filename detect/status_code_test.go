package detect

import (
	"strings"
	"testing"
	"time"

	"toban/oncall"
)

func TestAnAgentThatIsGoneIsNoMistakeInItsMonitor(t *testing.T) {
	t.Parallel()
	inOsaka(t, []*oncall.Monitor{osaka("shop")}, nil, func(t *testing.T, b *bench) {
		b.report(time.Minute, map[string]bool{"shop": true})
		time.Sleep(20 * time.Minute)
		s, err := b.m.Monitor(t.Context(), "shop")
		if err != nil || s.ProblemCode != "agent.not_found" || !strings.Contains(s.Problem, "nobody asks from osaka") {
			t.Errorf("got %q %q %v, want agent.not_found", s.ProblemCode, s.Problem, err)
		}
		all, err := b.m.Status(t.Context())
		if err != nil || len(all) != 1 || all[0].ProblemCode != "agent.not_found" {
			t.Errorf("got %+v %v, want the same in the list", all, err)
		}
	})
}
