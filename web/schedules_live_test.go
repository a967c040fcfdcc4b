package web_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/oncall"
)

func TestAHandOverIsSeenOnOpenSchedulesThoughNothingWasChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	from := time.Now().Add(3 * time.Second)
	ctx := access.With(t.Context(), access.Principal{Account: "ume", User: "ume", Role: access.Responder, Via: access.ViaPage})
	if _, err := h.edit.CreateOverride(ctx, oncall.Override{Schedule: "infra", User: "ume", By: "ume", From: from, To: from.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	const mine = `<span class="badge badge-mine">you</span>`
	now := regexp.MustCompile(`(?s)<p id="schedule-now">.*?</p>`)
	hasNot(t, b.page("/schedules"), mine)
	list := b.follow(t, "/schedules")
	streams := map[string]*stream{}
	for _, path := range []string{"/schedules/infra", "/schedules/infra?view=month"} {
		hasNot(t, now.FindString(b.page(path)), mine)
		streams[path] = b.follow(t, path)
	}
	list.wait(`id="schedules"`, mine)
	for path, s := range streams {
		got := s.wait(`id="schedule-now"`, `id="schedule-calendar"`, `id="schedule-overrides"`, `id="quality"`)
		has(t, now.FindString(got), mine)
		if month := strings.Contains(got, `class="month`); month != strings.Contains(path, "month") {
			t.Errorf("%s: a month is drawn: %v", path, month)
		}
	}
	if time.Now().Before(from) {
		t.Error("it was seen before it began")
	}
}

func TestAnOverrideIsSeenOnOpenSchedules(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser("ume", access.Responder)
		s := b.follow(t, "/schedules/infra?view=2weeks")
		from := time.Now().Add(time.Hour)
		ctx := access.With(t.Context(), access.Principal{Account: "ume", User: "ume", Role: access.Responder, Via: access.ViaPage})
		o, err := h.edit.CreateOverride(ctx, oncall.Override{Schedule: "infra", User: "take", By: "ume", From: from, To: from.Add(time.Hour), Reason: "dentist"})
		if err != nil {
			t.Fatal(err)
		}
		s.wait("dentist", `id="schedule-overrides"`, "schedules/infra/overrides/"+o.ID+"/delete")
		if _, err := h.edit.DeleteOverride(ctx, o.ID); err != nil {
			t.Fatal(err)
		}
		hasNot(t, s.wait(`id="schedule-overrides"`), "dentist")
	})
}
