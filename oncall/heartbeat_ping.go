package oncall

import (
	"slices"
	"time"
)

// Ping takes a ping and returns what is known then, the ping with what it turned
// out to be, and what there is to say: Trigger, Resolve or "" for nothing. The
// rules are those of healthchecks:
//
//   - a success makes it up, whatever it was; a failure makes it down at once;
//   - a start expects an end within the grace. The end of the same run takes that
//     back, and so does a failure of any run and a success that names none. Of
//     runs that overlap only the last one begun is waited for;
//   - a log changes nothing.
//
// Each failure is said, as it is news even when it is down already.
func (p HeartbeatPlan) Ping(s HeartbeatState, ping HeartbeatPing) (HeartbeatState, HeartbeatPing, Action) {
	s.Pings++
	s.Heard = ping.At
	if p.Paused || s.Status == HeartbeatPaused {
		ping.Kind = PingIgnored
	}
	switch ping.Kind {
	case PingStart:
		s.Started, s.Run = ping.At, ping.Run
		s.Begun = beginRun(s.Begun, ping)
		return s, ping, ""
	case PingSuccess, PingFail:
	default:
		return s, ping, ""
	}
	failed := ping.Kind == PingFail
	s.Ended = ping.At
	s.Begun, ping.Took = endRun(s.Begun, ping)
	s.Took = ping.Took
	if s.Run == ping.Run || ping.Run == "" || failed {
		s.Started, s.Run = time.Time{}, ""
	}
	if failed {
		s.Exit = 0
		if ping.Exit != nil {
			s.Exit = *ping.Exit
		}
		s.Missed = time.Time{}
		s = s.fall(HeartbeatFailed, ping.At)
		return s, ping, Trigger
	}
	s.Success = ping.At
	if s.Took > 0 {
		s.Times = append(slices.Clone(s.Times), s.Took)
		s.Times = s.Times[max(0, len(s.Times)-maxRunTimes):]
	}
	return s.rise(ping.At), ping, s.ending()
}

// fall makes the heartbeat down at that time, or says that it still is.
func (s HeartbeatState) fall(why HeartbeatWhy, at time.Time) HeartbeatState {
	if s.Status != HeartbeatDown {
		s.Status, s.Since = HeartbeatDown, at
	}
	s.Why, s.Alerting, s.Said = why, true, at
	return s
}

// rise makes the heartbeat up at that time.
func (s HeartbeatState) rise(at time.Time) HeartbeatState {
	if s.Status != HeartbeatUp {
		s.Status, s.Since = HeartbeatUp, at
	}
	s.Why, s.Exit, s.Missed = "", 0, time.Time{}
	s.Alerting, s.Said = false, time.Time{}
	return s
}

// ending is what ends the alert of s, if there is one.
func (s HeartbeatState) ending() Action {
	if s.Alerting {
		return Resolve
	}
	return ""
}

// beginRun notes the start of a run in place of an earlier one of the same run. Of
// too many the oldest is forgotten: its end will not be measured.
func beginRun(runs []HeartbeatRun, ping HeartbeatPing) []HeartbeatRun {
	kept := make([]HeartbeatRun, 0, len(runs)+1)
	for _, r := range runs {
		if r.ID != ping.Run && ping.At.Sub(r.At) < maxRunTime {
			kept = append(kept, r)
		}
	}
	kept = append(kept, HeartbeatRun{ID: ping.Run, At: ping.At})
	return kept[max(0, len(kept)-maxOpenRuns):]
}

// endRun takes the run of ping out of runs and says how long it took.
func endRun(runs []HeartbeatRun, ping HeartbeatPing) (left []HeartbeatRun, took time.Duration) {
	for _, r := range runs {
		switch age := ping.At.Sub(r.At); {
		case r.ID != ping.Run:
			left = append(left, r)
		case age > 0 && age < maxRunTime:
			took = age
		}
	}
	return left, took
}
