package detect

import (
	"time"

	"toban/oncall"
)

// watch tells of the locations from which nothing at all has come for long, also
// while others still see what is asked there. Of a location with one monitor that
// is asked from nowhere else, the monitor's own alert says as much.
func (ps *places) watch(now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.by {
		p.cut(now)
		if p.name != oncall.Here && (p.monitors > 1 || p.shared || len(p.references) > 0) && now.Sub(p.heard) >= oncall.SightGrace {
			ps.tellSilent(p, now)
		}
	}
}

// tellSilent tells that nothing comes from a location. ps.mu is held.
func (ps *places) tellSilent(p *place, now time.Time) {
	ps.tell(p, placeSilent, p.heard, "no check has ended at the location "+p.name+" for "+oncall.PromDuration(now.Sub(p.heard).Truncate(time.Second))+": it has no say", now)
}
