package api

import (
	"context"
	"strconv"
	"time"

	"toban/i18n"
	"toban/incident"
	"toban/oncall"
	"toban/store"
)

// EntryList is one page of a timeline.
type EntryList struct {
	Entries    []Entry `json:"entries"`
	NextCursor string  `json:"next_cursor,omitempty"`
}

type timelineInput struct {
	Ref
	After  int64  `query:"after" minimum:"0" doc:"only lines behind this seq"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"500" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"20" doc:"next_cursor of the page before"`
	Spoken
}

// Spoken says in which language sentences are wanted.
type Spoken struct {
	Lang string `query:"lang" enum:"en,ja" default:"en" doc:"of the sentences"`
	Zone string `query:"zone" maxLength:"64" doc:"of the times in sentences: an offset such as +09:00, or an IANA name; the installation's when left out"`
}

// names are what sentences call things, in the zone asked for.
func (s Spoken) names(dir *oncall.Directory) i18n.Names {
	n := i18n.Names{Directory: dir}
	if at, err := time.Parse("-07:00", s.Zone); err == nil {
		n.Zone = at.Location()
	} else if loc, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" && s.Zone != "Local" {
		n.Zone = loc
	}
	return n
}

type timelineOutput struct{ Body EntryList }

func (a *API) timeline(ctx context.Context, in *timelineInput) (*timelineOutput, error) {
	if in.Cursor != "" {
		seq, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil || seq < 0 {
			return nil, errCursor
		}
		in.After = max(in.After, seq)
	}
	var out timelineOutput
	err := a.o.DB.Read(ctx, func(tx *store.Tx) error {
		out.Body = EntryList{Entries: []Entry{}}
		inc, err := incident.Lookup(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		entries, err := tx.Timeline(ctx, inc.ID, in.After, in.Limit)
		for _, e := range entries {
			out.Body.Entries = append(out.Body.Entries, wireEntry(e, in.Spoken, dir))
		}
		if len(entries) == in.Limit && entries[len(entries)-1].Seq < inc.Entries {
			out.Body.NextCursor = strconv.FormatInt(entries[len(entries)-1].Seq, 10)
		}
		return err
	})
	return &out, err
}
