package oncall

import "time"

// State is the state of an incident.
type State string

// The states of an incident.
const (
	Triggered    State = "triggered"
	Acknowledged State = "acknowledged"
	Resolved     State = "resolved"
)

// Incident is one thing wrong with one service, from trigger to resolution.
type Incident struct {
	ID             IncidentID
	Number         int64 // what people say; gaps are possible
	Service        ServiceID
	GroupKey       string
	State          State
	Severity       Severity // the worst of its firing alerts so far, never lowered
	Urgency        Urgency  // may rise while open, never falls by itself (R6)
	Title          string
	Stage          Stage
	Epoch          int64 // raised by whatever makes earlier attempts void (R18)
	Count          int64 // signals that said so
	TriggeredAt    time.Time
	AcknowledgedAt time.Time
	AcknowledgedBy UserID
	ResolvedAt     time.Time
	MergedInto     IncidentID
	Entries        int64 // lines on its timeline; the seq of the last one
	Version        int64
}

// ErrResolved is returned when an action needs an open incident.
var ErrResolved = &Error{Kind: Conflict, Code: "incident.resolved", Message: "the incident is resolved"}

// ErrUnknownIncident is returned for an id or number that does not exist.
var ErrUnknownIncident = &Error{Kind: NotFound, Code: "incident.not_found", Message: "no such incident"}

// Acknowledge records that by has taken the incident. Acknowledging twice is
// not an error: phones retry, and the holder's second one renews the time-out.
// Whoever comes second changes neither holder nor time-out: that is a note, and
// they are told who has it (R16, R18). until is when the acknowledgement runs
// out.
func (i *Incident) Acknowledge(by UserID, at, until time.Time, via string) []Entry {
	data := EntryData{Via: via, Until: &until}
	switch i.State {
	case Resolved: // too late to matter, not too late to be told
		return []Entry{i.entry(at, EntryTooLate, by, EntryData{Via: via, Text: string(Acknowledge)})}
	case Acknowledged:
		if i.HeldByAnother(by) {
			return []Entry{i.entry(at, EntryTooLate, by, EntryData{Via: via, Text: string(Acknowledge)})}
		}
		return []Entry{i.entry(at, EntryRenewed, by, data)}
	}
	i.State, i.AcknowledgedBy, i.AcknowledgedAt = Acknowledged, by, at
	i.Epoch++ // whatever was queued for the old epoch can't leave any more
	return []Entry{i.entry(at, EntryAcknowledged, by, data)}
}

// HeldByAnother reports whether somebody has the incident who is not by.
func (i *Incident) HeldByAnother(by UserID) bool {
	return i.State == Acknowledged && i.AcknowledgedBy != "" && i.AcknowledgedBy != by
}

// Renew records that somebody is still on it until then, whoever says so: the
// holder stays. Without a holder there is nothing to renew.
func (i *Incident) Renew(by UserID, at, until time.Time) []Entry {
	if i.State != Acknowledged {
		return nil
	}
	return []Entry{i.entry(at, EntryRenewed, by, EntryData{Until: &until})}
}

// Snooze is an acknowledgement with its own end (R16). A holder stays the holder.
func (i *Incident) Snooze(by UserID, at, until time.Time) []Entry {
	switch i.State {
	case Resolved:
		return []Entry{i.entry(at, EntryTooLate, by, EntryData{Text: string(InSnoozed)})}
	case Triggered:
		i.State, i.AcknowledgedBy, i.AcknowledgedAt = Acknowledged, by, at
		i.Epoch++
	}
	return []Entry{i.entry(at, EntrySnoozed, by, EntryData{Until: &until})}
}

// Redirect puts an open incident back to triggered, because its response begins
// anew for other users, under another policy or at another urgency (R17), and
// reports whether it was open. Whatever was queued before is void.
func (i *Incident) Redirect() bool {
	if i.State == Resolved {
		return false
	}
	i.State, i.AcknowledgedAt, i.AcknowledgedBy = Triggered, time.Time{}, ""
	i.Epoch++
	return true
}

// Resolve records that it is over; by is empty when the alerts cleared.
func (i *Incident) Resolve(by UserID, at time.Time, via string) []Entry {
	if i.State == Resolved {
		if by == "" {
			return nil
		}
		return []Entry{i.entry(at, EntryTooLate, by, EntryData{Via: via, Text: string(Resolve)})}
	}
	i.State, i.ResolvedAt = Resolved, at
	i.Epoch++
	return []Entry{i.entry(at, EntryResolved, by, EntryData{Via: via})}
}

// Reopen puts a resolved incident back to triggered (R4). first is who is paged
// before level 1: whoever acknowledged last.
func (i *Incident) Reopen(at time.Time) (first UserID, entries []Entry) {
	if i.State != Resolved {
		return "", nil
	}
	first = i.AcknowledgedBy
	i.State, i.ResolvedAt, i.AcknowledgedAt, i.AcknowledgedBy = Triggered, time.Time{}, time.Time{}, ""
	i.Epoch++
	return first, []Entry{i.entry(at, EntryReopened, "", EntryData{First: first})}
}

// Lapse puts an acknowledged incident whose time-out ran out, or whose holder
// passed it on, back to triggered (R16). It is what Retrigger asks for.
func (i *Incident) Lapse() {
	if i.State != Acknowledged {
		return
	}
	i.State, i.AcknowledgedAt, i.AcknowledgedBy = Triggered, time.Time{}, ""
	i.Epoch++
}

// Raise lifts severity and urgency to what is given, never lowers them, and
// reports whether people must be paged anew: urgency rose to high, or severity
// to critical, while nobody has it (R2, R6).
func (i *Incident) Raise(sev Severity, urg Urgency, at time.Time) (pages bool, entries []Entry) {
	rose := sev.Rank() < i.Severity.Rank()
	louder := i.Urgency == Low && urg == High
	if i.State == Resolved || !rose && !louder {
		return false, nil
	}
	if rose {
		i.Severity = sev
	}
	if louder {
		i.Urgency = High
	}
	if pages = i.State == Triggered && (louder || rose && i.Severity == Critical); pages {
		i.Epoch++
	}
	return pages, []Entry{i.entry(at, EntryRaised, "", EntryData{Severity: i.Severity, Urgency: i.Urgency})}
}

func (i *Incident) entry(at time.Time, kind EntryKind, by UserID, data EntryData) Entry {
	return Entry{Incident: i.ID, At: at, Kind: kind, Actor: string(by), Data: data}
}
