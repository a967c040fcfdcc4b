package svg

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens")

func start() time.Time { return time.Date(2026, 11, 20, 14, 50, 0, 0, time.UTC) }

// every is values a minute apart; NaN leaves one out.
func every(values ...float64) (points []Point) {
	for i, v := range values {
		points = append(points, Point{start().Add(time.Duration(i) * time.Minute), v})
	}
	return points
}

func chart() Chart {
	tokyo := time.FixedZone("JST", 9*3600)
	return Chart{ID: "c", Title: `p99 <of> "shop"`, From: start(), To: start().Add(20 * time.Minute), Step: time.Minute, Zone: tokyo, None: "no data", Width: 400, Height: 200}
}

func TestChartsAreDrawnTheSameEachTime(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	gap := append(every(1, 2, 1.5, nan, 4), Point{start().Add(15 * time.Minute), 3}, Point{start().Add(16 * time.Minute), math.Inf(1)}, Point{start().Add(19 * time.Minute), 2})
	lines := chart()
	lines.Lines = []Line{{"A", "a<b", gap}, {"B", "b", every(2, 2, 2, 2, 2)}, {"C", "c", every(2, 2.01, 2.02)}}
	bands := chart()
	bands.Unit = Seconds
	bands.Lines = []Line{{"p50", "p50", every(.1, .12, .11)}, {"p90", "p90", every(.2, .3, .25)}}
	bands.Bands = []Band{{"half", every(.1, .12, .11), every(.2, .3, .25)}}
	areas := chart()
	areas.Unit = Bytes
	areas.Areas = []Line{{"A", "a", every(1<<20, 2<<20, 1<<20)}, {"B", "b", every(1<<20, nan, 1<<20)}, {"C", "c", every(0, 5<<20, 0)}}
	for name, drawn := range map[string]string{
		"lines": lines.SVG(), "bands": bands.SVG(), "areas": areas.SVG(), "nothing": chart().SVG(),
		"swatches": Swatch(1) + Swatch(13) + AreaSwatch("s", 0) + AreaSwatch("s", 1),
	} {
		got := strings.ReplaceAll(drawn, "><", ">\n<") + "\n"
		wellFormed(t, name, got)
		golden := filepath.Join("testdata", name+".svg")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got; -update writes it):\n%s", name, diff)
		}
	}
}

func wellFormed(t *testing.T, name, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

func TestALineIsBrokenWhereValuesAreMissing(t *testing.T) {
	t.Parallel()
	c := chart()
	c.Lines = []Line{{"A", "a", append(every(1, 2), Point{start().Add(10 * time.Minute), 1}, Point{start().Add(11 * time.Minute), 2})}}
	got := c.SVG()
	if n := strings.Count(got[strings.Index(got, "line-1"):], "M"); n < 2 {
		t.Errorf("got %d beginnings, want the line in two parts:\n%s", n, got)
	}
	if n := strings.Count(got, `<g class="gap">`); n != 2 { // in the middle and at the end
		t.Errorf("got %d gaps, want 2", n)
	}
}

func TestNothingThatIsDrawnLoadsOrRuns(t *testing.T) {
	t.Parallel()
	c := chart()
	bad := `"><script>alert(1)</script>`
	c.Title, c.None = bad, bad
	c.Lines = []Line{{bad, bad, every(1, 2)}}
	got := c.SVG()
	for _, never := range []string{"<script", "style=", "http", "onload"} {
		if strings.Contains(got, never) {
			t.Errorf("got %s in it", never)
		}
	}
}

func TestAnyNumbersAreDrawnWithoutNonsense(t *testing.T) {
	t.Parallel()
	for _, values := range [][]float64{
		{},
		{0},
		{5, 5},
		{-3, -3},
		{math.MaxFloat64, -math.MaxFloat64},
		{math.SmallestNonzeroFloat64, 0},
		{1e18, 1e18 + 1024},
		{math.NaN()},
		{math.Inf(1), 1},
		{1e300, 1e-300},
		{1000.001, 1000.002},
	} {
		for _, unit := range []Unit{Number, Seconds, Bytes, Ratio} {
			c := chart()
			c.Unit, c.Lines = unit, []Line{{"A", "a", every(values...)}}
			got := c.SVG()
			for _, never := range []string{"NaN", "Inf"} {
				if strings.Contains(got, never) {
					t.Errorf("%v in unit %d: %s is drawn:\n%s", values, unit, never, got)
				}
			}
			if n := strings.Count(got, "tick-y"); n < 1 || n > 20 {
				t.Errorf("%v in unit %d: got %d lines on the axis, want some", values, unit, n)
			}
		}
	}
}

func TestMarksStandApart(t *testing.T) {
	t.Parallel()
	all := []mark{{y: 50}, {y: 50}, {y: 51}, {y: 190}, {y: 199}}
	spread(all, 10, 200)
	for i := 1; i < len(all); i++ {
		if got := all[i].at - all[i-1].at; got < row-0.001 {
			t.Errorf("marks %d and %d are %v apart, want %d", i-1, i, got, row)
		}
	}
	if last := all[len(all)-1].at; last > 200 {
		t.Errorf("the last is at %v, want at most 200", last)
	}
}
