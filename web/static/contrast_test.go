package static

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// palette is the tokens that are colours, for one theme.
type palette map[string][3]float64

var token = regexp.MustCompile(`--([a-z-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)`)

func palettes(t *testing.T) map[string]palette {
	t.Helper()
	body, ok := Read("css/tokens.css")
	if !ok {
		t.Fatal("no tokens.css")
	}
	light, dark := palette{}, palette{}
	for _, m := range token.FindAllStringSubmatch(string(body), -1) {
		light[m[1]], dark[m[1]] = rgb(t, m[2]), rgb(t, m[3])
	}
	return map[string]palette{"light": light, "dark": dark}
}

func rgb(t *testing.T, hex string) (c [3]float64) {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	for i, shift := range []uint{16, 8, 0} {
		c[i] = float64(n>>shift&255) / 255
	}
	return c
}

// luminance and contrast are those of WCAG 2.
func luminance(c [3]float64) float64 {
	for i, v := range c {
		if v <= 0.04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
}

func contrast(a, b [3]float64) float64 {
	x, y := luminance(a)+0.05, luminance(b)+0.05
	return max(x, y) / min(x, y)
}

func TestEveryPairOfTokensCanBeRead(t *testing.T) {
	t.Parallel()
	const text, large, edge = 4.5, 14, 3
	grounds := []string{"bg", "surface", "sunken"}
	type pair struct {
		front, back string
		least       float64
	}
	var pairs []pair
	for _, back := range grounds {
		pairs = append(pairs, pair{"text", back, large}, pair{"muted", back, text}, pair{"accent", back, text}, pair{"edge", back, edge})
	}
	for _, state := range []string{"crit", "warn", "ok", "none"} {
		pairs = append(pairs, pair{state, state + "-bg", text}, pair{"text", state + "-bg", text}, pair{state, "surface", text}, pair{state, "bg", text})
	}
	pairs = append(
		pairs, pair{"on-accent", "accent", text}, pair{"on-crit", "crit", text}, pair{"accent", "accent-bg", text}, pair{"text", "accent-bg", text},
		pair{"muted", "accent-bg", text}, pair{"muted", "none-bg", text},
	)
	for theme, colours := range palettes(t) {
		for _, p := range pairs {
			front, known := colours[p.front]
			back, alsoKnown := colours[p.back]
			if !known || !alsoKnown {
				t.Errorf("%s: no token --%s or --%s", theme, p.front, p.back)
				continue
			}
			if got := contrast(front, back); got < p.least {
				t.Errorf("%s: --%s on --%s: got %.2f, want %.1f", theme, p.front, p.back, got, p.least)
			}
		}
	}
}

func TestTheContrastIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	if got := contrast([3]float64{0, 0, 0}, [3]float64{1, 1, 1}); math.Abs(got-21) > 1e-9 {
		t.Errorf("black on white: got %v, want 21", got)
	}
	if got := contrast(rgb(t, "767676"), rgb(t, "ffffff")); got < 4.54 || got > 4.55 {
		t.Errorf("#767676 on white: got %v, want 4.54", got)
	}
}

func TestOnlyTheTokensNameColours(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(`)
	for name, a := range assets() {
		if name == "css/app.css" || name == "css/tokens.css" || a.kind != "text/css; charset=utf-8" {
			continue
		}
		if found := colour.Find(a.body); found != nil {
			t.Errorf("%s names the colour %s: it belongs into tokens.css", name, found)
		}
	}
}

func TestEveryTokenThatIsUsedExists(t *testing.T) {
	t.Parallel()
	whole, _ := Read("css/app.css")
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)[\s{;]--([a-z-]+):`).FindAllSubmatch(whole, -1) {
		known[string(m[1])] = true
	}
	for _, m := range regexp.MustCompile(`var\(--([a-z-]+)`).FindAllSubmatch(whole, -1) {
		if !known[string(m[1])] {
			t.Errorf("var(--%s) is nowhere set", m[1])
		}
	}
}
