package oncall

import "time"

// pending reports whether the lane is still to come.
func (l Lane) pending() bool { return l.Attempt == "" && l.Outcome == "" }

// live reports whether the lane's attempt is under way.
func (l Lane) live() bool { return l.Attempt != "" && l.Outcome == "" }

// open reports whether anything is still to be expected of the lane.
func (l Lane) open() bool { return l.Outcome == "" }

// ringing reports whether it is a call under way, or about to be made again.
func (l Lane) ringing() bool {
	return l.Method == Call && (l.live() || l.pending() && l.Nth > 1)
}

func (l Lane) givenUpAt() time.Time { return l.At.Add(giveUp) }

// add appends a lane for each way, counted from now.
func (p *Page) add(ways []Way, now time.Time) {
	lanes := make([]Lane, 0, len(p.Lanes)+len(ways)+1)
	lanes = append(lanes, p.Lanes...)
	for _, w := range ways {
		l := Lane{Due: now.Add(w.After), Contact: w.Contact, Method: w.Method}
		if w.Method == Call {
			l.Nth = 1
		}
		lanes = append(lanes, l)
	}
	p.Lanes = lanes
}

// dropPending forgets the lanes that have not begun.
func (p *Page) dropPending() {
	kept := p.Lanes[:0]
	for _, l := range p.Lanes {
		if !l.pending() {
			kept = append(kept, l)
		}
	}
	p.Lanes = kept
}

func (p *Page) target() *Target {
	if p.Pager != "" {
		return &Target{Kind: TargetPager, Name: string(p.Pager)}
	}
	return &Target{Kind: TargetUser, Name: string(p.User)}
}

// stoppedSince reports whether an attempt of the page that was asked for after
// that time was hung up, or ended by a key: its provider may still say so.
func (p *Page) stoppedSince(t time.Time) bool {
	for _, l := range p.Lanes {
		if (l.Outcome == Canceled || l.Outcome == Answered) && l.At.After(t) {
			return true
		}
	}
	return false
}

// inUse reports whether an attempt to the same user by the same contact method
// is under way.
func (r *Response) inUse(of *Page, contact string) bool {
	for i := range r.Pages {
		p := &r.Pages[i]
		if p.User != of.User || p.Pager != of.Pager {
			continue
		}
		for _, l := range p.Lanes {
			if l.Contact == contact && l.live() {
				return true
			}
		}
	}
	return false
}

// lane finds an attempt.
func (r *Response) lane(a AttemptID) (*Page, int) {
	if a == "" {
		return nil, 0
	}
	for i := range r.Pages {
		p := &r.Pages[i]
		for j := range p.Lanes {
			if p.Lanes[j].Attempt == a {
				return p, j
			}
		}
	}
	return nil, 0
}
