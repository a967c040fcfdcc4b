package demo

import (
	"context"
	"fmt"
	"io"
	"time"

	"toban/api"
	"toban/i18n"
	"toban/sim/target"
	simtwilio "toban/sim/twilio"
)

// given is what the people of the demo do: Matsu is on the phone, Take does not
// hear it, Ume presses 1 three seconds after the first words.
var given = []string{"matsu=busy after 300ms", "take=no answer after 5300ms", "ume=1 after 4500ms"}

func (s *story) script() {
	for i, scripts := range [][]simtwilio.Script{
		{simtwilio.Busy()}, {simtwilio.NoAnswer(), simtwilio.NoAnswer()}, {simtwilio.Press("1", 3*time.Second)},
	} {
		s.provider.Phone(people[i].number).Next(scripts...)
	}
}

// notice is what the prober has told toban.
type notice struct {
	down bool
	at   time.Time
}

// story is the guide: it breaks and repairs the shop and says what is seen.
type story struct {
	say      i18n.Printer
	lang     string
	out      io.Writer
	shop     *target.Shop
	provider *simtwilio.Server
	api      *apiClient
	page     string
	noticed  chan notice
}

func (s *story) line(key string, places ...string) { fmt.Fprintln(s.out, s.say.Say(key, places...)) }

func (s *story) notice(down bool, at time.Time) {
	select {
	case s.noticed <- notice{down, at}:
	default: // nobody is listening any more
	}
}

// play tells it from the forecast to what happened.
func (s *story) play(ctx context.Context) error {
	s.line("demo.people", "url", s.page)
	forecast, err := s.api.forecast(ctx, s.lang, given)
	if err != nil {
		return fmt.Errorf("forecast: %w", err)
	}
	s.line("demo.forecast")
	for _, step := range forecast {
		if told(step.Kind) {
			fmt.Fprintf(s.out, "    %7.1fs  %s\n", step.In, step.Text)
		}
	}

	s.script()
	s.line("demo.break")
	broke := time.Now()
	s.shop.Break()
	seen, err := s.await(ctx)
	if err != nil {
		return err
	}
	inc, err := s.incident(ctx)
	if err != nil {
		return err
	}
	happened, err := s.follow(ctx, inc.ID, broke, "acknowledged")
	if err != nil {
		return err
	}
	s.firsts(broke, seen, happened)

	s.line("demo.repair")
	s.shop.Repair()
	if _, err := s.await(ctx); err != nil {
		return err
	}
	last := happened[len(happened)-1].Seq
	if _, err := s.followFrom(ctx, inc.ID, broke, "resolved", last); err != nil {
		return err
	}
	s.compare(forecast, happened)
	s.line("demo.next")
	return nil
}

// await waits until toban has been told of a change.
func (s *story) await(ctx context.Context) (time.Time, error) {
	select {
	case n := <-s.noticed:
		return n.at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

func (s *story) incident(ctx context.Context) (*api.Incident, error) {
	for {
		inc, err := s.api.latest(ctx)
		if err != nil || inc != nil {
			return inc, err
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// look is how often the timeline is read while it grows.
const look = 50 * time.Millisecond

func pause(ctx context.Context) error {
	t := time.NewTimer(look)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (s *story) follow(ctx context.Context, id string, from time.Time, until string) ([]api.Entry, error) {
	return s.followFrom(ctx, id, from, until, 0)
}

// followFrom prints the timeline as it grows, until an entry of a kind.
func (s *story) followFrom(ctx context.Context, id string, from time.Time, until string, after int64) (all []api.Entry, err error) {
	for over := false; ; {
		entries, err := s.api.timeline(ctx, id, s.lang, after)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			after = e.Seq
			all = append(all, e)
			if told(e.Kind) {
				fmt.Fprintf(s.out, "    %7.1fs  %s\n", e.At.Sub(from).Seconds(), e.Text)
			}
			over = over || e.Kind == until
		}
		if over { // with what the same moment brought
			return all, nil
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// told leaves out what only a machine wants to know.
func told(kind string) bool {
	switch kind {
	case "input", "delivery", "round", "level", "page":
		return false
	}
	return true
}

// firsts says how long detection, incident and first ring took.
func (s *story) firsts(broke, seen time.Time, entries []api.Entry) {
	var opened, rang time.Time
	for _, e := range entries {
		switch {
		case e.Kind == "triggered" && opened.IsZero():
			opened = e.At
		case e.Kind == "contact" && rang.IsZero():
			rang = e.At
		}
	}
	s.line("demo.firsts", "detected", secs(seen.Sub(broke)), "incident", secs(opened.Sub(broke)), "ring", secs(rang.Sub(broke)))
}

func secs(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// compare prints the forecast beside what happened. A line that came otherwise
// is marked.
func (s *story) compare(forecast []api.Step, happened []api.Entry) {
	s.line("demo.compare")
	var start time.Time
	var real []api.Entry
	for _, e := range happened {
		if e.Kind == "triggered" {
			start = e.At
		}
		if told(e.Kind) && e.Kind != "triggered" {
			real = append(real, e)
		}
	}
	i := 0
	for _, f := range forecast {
		if !told(f.Kind) || f.Kind == "triggered" {
			continue
		}
		if i >= len(real) {
			fmt.Fprintf(s.out, "  ! %7.1fs  %8s  %s\n", f.In, "-", f.Text)
			continue
		}
		mark := " "
		if real[i].Kind != f.Kind || real[i].Data.User != f.Data.User || real[i].Data.Outcome != f.Data.Outcome {
			mark = "!"
		}
		fmt.Fprintf(s.out, "  %s %7.1fs  %7.1fs  %s\n", mark, f.In, real[i].At.Sub(start).Seconds(), real[i].Text)
		i++
	}
	for ; i < len(real); i++ {
		fmt.Fprintf(s.out, "  ! %8s  %7.1fs  %s\n", "-", real[i].At.Sub(start).Seconds(), real[i].Text)
	}
}
