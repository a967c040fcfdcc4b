package view

import (
	"strings"
	"testing"

	"toban/oncall"
)

func TestACheckByHandSaysWhichLocationsWereNotAsked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		lang, want string
		locations  []string
	}{
		{"en", "Asked from here; other locations (osaka, naha) answer at their next turn.", []string{"here", "osaka", "naha"}},
		{"ja", "ほかの拠点（osaka）の結果は、次回のチェックで届きます。", []string{"osaka"}},
		{"en", "", []string{"here"}},
		{"en", "", nil},
	} {
		var page strings.Builder
		c := MonitorCheck{Up: true, Elsewhere: Elsewhere(&oncall.Monitor{Locations: tc.locations})}
		if err := checkedCard(reader(t, tc.lang, "viewer"), c).Render(t.Context(), &page); err != nil {
			t.Fatal(err)
		}
		if got := page.String(); !strings.Contains(got, tc.want) || tc.want == "" && strings.Contains(got, "next turn") {
			t.Errorf("%s %v: got %s, want %q in it", tc.lang, tc.locations, got, tc.want)
		}
	}
}
