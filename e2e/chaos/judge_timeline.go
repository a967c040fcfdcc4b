package chaos

// judgeTimeline finds timelines with a line missing, twice, or in the wrong
// order: what happened between two commits is on it or did not happen.
func judgeTimeline(r *record, v *verdict) {
	for _, inc := range r.incidents {
		entries := r.timeline[inc.ID]
		if int64(len(entries)) != inc.Entries {
			v.find(inc.ID, "the timeline has %d lines, its incident counts %d", len(entries), inc.Entries)
		}
		for i, e := range entries {
			if e.Seq != int64(i+1) {
				v.find(inc.ID, "line %d of the timeline has the number %d", i+1, e.Seq)
				break
			}
		}
	}
}
