package detect

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"toban/detect/probe"
)

func TestAReportIsShortHoweverMuchCameBack(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("東京", 400)
	lines := make([]string, 60)
	for i := range lines {
		lines[i] = long
	}
	r := &probe.Result{
		Reason: probe.ReasonBody, Message: long, Duration: time.Second, Certificate: &probe.Certificate{Names: lines, Issuer: long},
		Evidence: &probe.Evidence{Tried: lines, Headers: lines, Chain: lines, Status: "HTTP/1.1 200 OK", Body: strings.Repeat(long, 10), BodySize: 1 << 20},
	}
	text := EncodeReport(r, "")
	if len(text) > MaxReport {
		t.Fatalf("got %d bytes, want at most %d", len(text), MaxReport)
	}
	got, err := DecodeReport(text, false, time.Now())
	if err != nil || got.Evidence == nil || len(got.Evidence.Tried) == 0 || got.Evidence.Status != "HTTP/1.1 200 OK" || got.Evidence.Body == "" || got.Reason != probe.ReasonBody {
		t.Errorf("got %+v %v, want the beginning of each part", got, err)
	}
	if len(r.Evidence.Tried) != 60 || len(r.Evidence.Tried[0]) != len(long) || len(r.Certificate.Names) != 60 {
		t.Error("the result itself was changed")
	}
	up := EncodeReport(&probe.Result{Up: true, Duration: 1500 * time.Microsecond, Evidence: r.Evidence}, "")
	if up != `{"took":1500}` {
		t.Errorf("got %s, want nothing but the time of what is up", up)
	}
}

func TestWhatAReportSaysIsCutAndMadeSafe(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	got, err := DecodeReport(`{"took":-5,"reason":"<b>","message":"a\u001b[2J\u202eb","phases":[{"name":"x\u0000","took":9223372036854775807}],"evidence":{"tried":["\u0007"],"bodySize":-1}}`, false, at)
	if err != nil {
		t.Fatal(err)
	}
	want := &probe.Result{
		Reason: probe.ReasonAnswer, Message: "a·[2J·b", Start: at, Phases: []probe.Phase{{Name: "x·", Duration: maxReportTook}},
		Evidence: &probe.Evidence{Tried: []string{"·"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{"{", `[]`, `{"took":"1"}`, strings.Repeat(" ", MaxReport+1)} {
		if got, err := DecodeReport(text, true, at); err == nil {
			t.Errorf("%.20q: got %+v, want it refused", text, got)
		}
	}
}

func FuzzDecodeReport(f *testing.F) {
	f.Add(`{"took":1500,"reason":"status","message":"503","certificate":{"Names":["a"]},"evidence":{"tried":["x"]}}`, false)
	f.Add("", true)
	f.Fuzz(func(t *testing.T, text string, up bool) {
		r, err := DecodeReport(text, up, time.Now())
		if err != nil {
			return
		}
		if r.Up != up || !up && (r.Reason == "" || r.Message == "") || len(r.Message) > maxReportText || !utf8.ValidString(r.Message) || r.Duration < 0 {
			t.Errorf("got %+v of %q", r, text)
		}
		EncodeReport(r, "")
	})
}
