package browser_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"toban/e2e/harness"
	simslack "toban/sim/slack"
	simtwilio "toban/sim/twilio"
)

// The telephones of the demo.
const (
	matsuPhone = "+81900000001"
	takePhone  = "+81900000002"
	umePhone   = "+81900000003"
)

// guide is a running demo.
type guide struct {
	*process
	base  string
	temp  string // where its folder is
	began time.Time
}

// demonstrate starts `toban demo` on a port, and returns it once its address is
// printed.
func demonstrate(t *testing.T, port int, args ...string) *guide {
	t.Helper()
	idle(t)
	harness.Binary(t) // building it is told apart
	g := &guide{temp: t.TempDir(), began: time.Now()}
	g.process = run(t, []string{"TMPDIR=" + g.temp}, append([]string{"demo", "--port", strconv.Itoa(port)}, args...)...)
	address := regexp.MustCompile(`(http://127\.0\.0\.1:\d+) [^\n]*\n$`)
	g.base = g.find(func(said string) string {
		if found := address.FindStringSubmatch(said); found != nil {
			return found[1]
		}
		return ""
	}, "its address, at last", 30*time.Second)
	return g
}

// ask reads what a simulator of the demo knows.
func ask[T any](g *guide, path string) (out T) {
	g.t.Helper()
	res, err := http.Get(g.base + path)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		g.t.Fatal(err)
	}
	return out
}

// calls are the calls to a telephone so far, oldest first.
func (g *guide) calls(number string) (all []simtwilio.Call) {
	g.t.Helper()
	for _, c := range ask[[]simtwilio.Call](g, "/sim/twilio/calls.json") {
		if c.To == number {
			all = append(all, c)
		}
	}
	return all
}

// live are the telephones that ring or are spoken on.
func (g *guide) live() (numbers []string) {
	g.t.Helper()
	for _, p := range ask[[]simtwilio.PhoneState](g, "/sim/twilio/phones.json") {
		if p.Live != nil {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}

// room is the incident's own channel, if there is one.
func (g *guide) room() (simslack.Channel, bool) {
	g.t.Helper()
	for _, c := range ask[[]simslack.Channel](g, "/sim/slack/control/channels") {
		if c.Name != "alerts" {
			return c, true
		}
	}
	return simslack.Channel{}, false
}

// touch presses what is within a frame of the page.
func (b *tab) touch(frame, selector string) {
	b.t.Helper()
	inside := fmt.Sprintf(`document.querySelector(%q).contentDocument`, frame)
	b.until(fmt.Sprintf(`%s?.querySelector(%q) && !%s.querySelector(%q).disabled`, inside, selector, inside, selector))
	at := eval[struct{ X, Y float64 }](b, fmt.Sprintf(`(async () => {
		const frame = document.querySelector(%q), el = frame.contentDocument.querySelector(%q);
		frame.scrollIntoView({ block: "center", behavior: "instant" });
		el.scrollIntoView({ block: "center", behavior: "instant" });
		await new Promise(requestAnimationFrame);
		const out = frame.getBoundingClientRect(), box = el.getBoundingClientRect();
		return { X: out.x + frame.clientLeft + box.x + box.width / 2, Y: out.y + frame.clientTop + box.y + box.height / 2 };
	})()`, frame, selector))
	b.hit(at.X, at.Y)
}

func TestTheDemoTellsItsWholeStory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		lang, ume string
		screen    size
	}{{"ja", "梅", phone()}, {"en", "Ume", desktop()}} {
		t.Run(tc.lang+" "+tc.screen.name, func(t *testing.T) {
			t.Parallel()
			g := demonstrate(t, free(t), "--lang", tc.lang)
			b := open(t, g.base, tc.screen)
			b.lang = tc.lang
			shoot := func(scene string) {
				b.t.Helper()
				b.sound()
				b.shoot(fmt.Sprintf("demo-%s.%s.light.%s", scene, tc.lang, tc.screen.name))
			}
			b.visit("/?lang=" + tc.lang)
			b.ready()
			b.until(`document.getElementById("g-count")`)

			// Forecast first; any click calls the countdown off.
			if steps := eval[int](b, `document.querySelectorAll("#g-forecast .step-text, #g-forecast .stair li").length`); steps < 3 {
				t.Errorf("the forecast has %d steps, want a stair\n%s", steps, b.seen())
			}
			b.click("h1")
			b.until(`!document.getElementById("g-count")`)
			shoot("forecast")

			b.click(`#g-break button.button-primary`)
			b.until(`document.querySelector("#now").dataset.ringing === "take"`)
			if calls := g.calls(matsuPhone); len(calls) != 1 || calls[0].Status != simtwilio.StatusBusy {
				t.Errorf("Matsu's calls are %v, want one that was busy", calls)
			}
			shoot("ringing")

			// The plug, in mid-ring.
			before := len(g.calls(takePhone))
			pulled := time.Now()
			b.click(`#g-plug form button`)
			b.until(`document.querySelector("#g-plug .guide-back, #g-plug .guide-gone")`)
			b.until(`document.querySelector("#g-plug .guide-back")`)
			t.Logf("toban was back %s after the click: %s", time.Since(pulled).Round(time.Millisecond), eval[string](b, `document.querySelector("#g-plug .guide-back").innerText`))
			if after := g.calls(takePhone); len(after) != before || !after[before-1].Ended.IsZero() {
				t.Errorf("Take's calls after the crash are %v, want the %d of before, still ringing", after, before)
			}
			if eval[int](b, `document.querySelectorAll("#g-forecast .stair li").length`) == 0 || !eval[bool](b, `document.getElementById("g-sound").checkVisibility()`) {
				t.Errorf("the crash has taken the forecast or the sound from the page\n%s", b.seen())
			}
			shoot("plug")

			b.within(40*time.Second, `document.querySelector("#now").dataset.ringing === "ume"`)
			take := g.calls(takePhone)
			if len(take) != 2 { // once more at once when nobody answers (R11), not once more for the crash
				t.Errorf("Take was called %d times, want twice", len(take))
			}
			for i := 1; i < len(take); i++ {
				if take[i].Arrived.Before(take[i-1].Ended) {
					t.Errorf("Take was called at %s while the call before lasted until %s", take[i].Arrived, take[i-1].Ended)
				}
			}
			if c, ok := g.room(); !ok || c.Topic == "" || c.Archived {
				t.Errorf("the incident's channel is %+v, want one with a topic", c)
			}
			shoot("ume")

			ume := "#phone-81900000003"
			b.touch(".guide-phones", ume+"-answer")
			b.until(`document.querySelector(".guide-phones").contentDocument.querySelector("` + ume + ` .transcript q")`)
			b.touch(".guide-phones", ume+"-1")
			b.until(`document.querySelector("#g-press .guide-back")`)
			b.until(`document.querySelector("#g-press").innerText.includes(` + quote(tc.ume) + `)`)
			if text := eval[string](b, `document.querySelector("main").innerText`); contains(text, "<@") {
				t.Errorf("the guide shows a mention as the chat writes it: %s", text)
			}
			for _, number := range g.live() {
				if number != umePhone {
					t.Errorf("%s still rings", number)
				}
			}
			b.soon("the channel says who has it", func() bool { c, _ := g.room(); return contains(c.Topic, "<@U0UME>") })
			shoot("pressed")

			b.click(`#g-repair form button`)
			b.until(`document.querySelector("#g-repair .guide-back")`)
			b.soon("the channel is archived", func() bool { c, _ := g.room(); return c.Archived })
			b.until(`document.querySelector("#g-repair").innerText.includes(` + quote(archived(tc.lang)) + `)`)
			shoot("over")

			// Surprises are that Matsu was busy, and what the plug has caused.
			rows := eval[[]struct {
				Surprise           bool
				Foretold, Happened string
				Text               string
			}](b, `[...document.querySelectorAll(".guide-pairs tbody tr")].map((tr) => ({ Surprise: tr.matches(".guide-surprise"),
				Foretold: tr.cells[0].innerText, Happened: tr.cells[1].innerText, Text: tr.cells[2].innerText }))`)
			if len(rows) < 6 {
				t.Errorf("the comparison has %d lines, want the whole story: %v", len(rows), rows)
			}
			for _, r := range rows {
				happened, err := strconv.ParseFloat(regexp.MustCompile(`[\d.]+`).FindString(r.Happened), 64)
				if err != nil {
					t.Errorf("%+v did not happen", r)
				}
				if r.Surprise {
					t.Logf("surprise: %+v", r)
				}
				if busy := happened < 1; r.Surprise && busy != contains(r.Text, busyWith(tc.lang)) {
					t.Errorf("%+v is a surprise that neither a busy phone nor a crash explains", r)
				}
			}
			if all := len(g.calls(matsuPhone)) + len(g.calls(takePhone)) + len(g.calls(umePhone)); all != 4 {
				t.Errorf("%d calls were made, want 4: Matsu, Take twice, Ume", all)
			}
			b.end()
			g.leavesNothing()
		})
	}
}

func busyWith(lang string) string {
	if lang == "ja" {
		return "話し中"
	}
	return "busy"
}

func archived(lang string) string {
	if lang == "ja" {
		return "アーカイブ"
	}
	return "is archived"
}

// leavesNothing ends the demo by Ctrl-C and looks at what stays: no folder, no
// port, no child.
func (g *guide) leavesNothing() {
	g.t.Helper()
	children := g.children()
	if len(children) == 0 {
		g.t.Error("the demo has no child, so toban is not what was shown")
	}
	if code := g.interrupt(); code != 0 {
		g.t.Errorf("the demo ended with %d, want 0", code)
	}
	for _, pid := range children {
		if _, err := os.Stat(filepath.Join("/proc", pid, "exe")); err == nil {
			g.t.Errorf("process %s outlives the demo", pid)
		}
	}
	left, err := os.ReadDir(g.temp)
	if err != nil || len(left) > 0 {
		g.t.Errorf("left behind: %v (%v)", left, err)
	}
	first, err := strconv.Atoi(regexp.MustCompile(`\d+$`).FindString(g.base))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, port := range []int{first, first + 1} {
		if err := listens(port); err != nil {
			g.t.Errorf("port %d is still taken: %v", port, err)
		}
	}
}

// children are the processes that the demo has started.
func (g *guide) children() (pids []string) {
	found, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", g.cmd.Process.Pid))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has ended
		}
		pids = append(pids, regexp.MustCompile(`\d+`).FindAllString(string(text), -1)...)
	}
	return pids
}

// Somebody starts it and looks: the first phone rings within half a minute of the
// start, on another port when the usual one is taken.
func TestTheDemoRingsByItselfWithinThirtySeconds(t *testing.T) {
	t.Parallel()
	port := free(t)
	taken, err := net.Listen("tcp", address(port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	g := demonstrate(t, port)
	if want := "http://" + address(port+1); g.base != want {
		t.Errorf("the guide is at %s, want %s, the port after the taken one", g.base, want)
	}
	b := open(t, g.base, desktop())
	b.lang = "en"
	b.visit("/?lang=en")
	b.ready()
	b.within(35*time.Second, `document.querySelector("#now").dataset.ringing`)
	rang := g.calls(takePhone)
	if len(rang) == 0 {
		t.Fatal("Take's phone did not ring")
	}
	took := rang[0].Rung.Sub(g.began)
	t.Logf("the first ring came %s after the start", took.Round(time.Millisecond))
	if took > 30*time.Second {
		t.Errorf("the first ring came %s after the start, want 30s at most", took)
	}

	// Nobody touches it: it rings Ume at the foretold time, and nothing surprises but that Matsu is busy.
	b.within(40*time.Second, `document.querySelector("#now").dataset.ringing === "ume"`)
	b.touch(".guide-phones", "#phone-81900000003-answer")
	b.until(`document.querySelector(".guide-phones").contentDocument.querySelector("#phone-81900000003 .transcript q")`)
	b.touch(".guide-phones", "#phone-81900000003-1")
	b.until(`document.querySelectorAll(".guide-pairs tbody tr").length > 4`)
	if surprises := eval[[]string](b, `[...document.querySelectorAll(".guide-surprise")].map((tr) => tr.innerText)`); len(surprises) != 1 || !contains(surprises[0], "Matsu: busy") {
		t.Errorf("without a crash the surprises are %q, want that Matsu was busy", surprises)
	}
	b.sound()
	b.shoot("demo-quiet.en.light.1280")

	// The way to toban's own pages, signed in.
	b.may("http://" + address(port+2))
	b.visit("/guide/open?to=/")
	b.until(`location.port !== ` + quote(strconv.Itoa(port+1)) + ` && document.querySelector(".inc-acknowledged")`)
	b.ready()
	b.sound()
	b.shoot("demo-own.en.light.1280")
	b.end()
}
