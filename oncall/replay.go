package oncall

// Replay gives a response the inputs that a timeline has kept, with the answers
// that its world gave then, and returns where it stands. start is the response
// before the first of them; policies returns a snapshot by its content hash, nil
// for an unknown one. Equal to the stored response means that the timeline tells
// the whole story.
func Replay(start Response, timeline []Entry, policies func(hash string) *Policy) Response {
	r := start
	for i := range timeline {
		e := &timeline[i]
		if e.Data.Input == nil {
			continue
		}
		w := World{Given: e.Data.Answers, Policy: policies(r.Policy)}
		if w.Given == nil {
			w.Given = &Answers{}
		}
		r, _ = r.Advance(*e.Data.Input, w, e.At)
	}
	return r
}
