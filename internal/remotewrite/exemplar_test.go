package remotewrite

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"
)

func TestWhatIsSentWithAnExemplarIsReadAgain(t *testing.T) {
	t.Parallel()
	plain, err := NewSeries("probe_success", map[string]string{"monitor": "shop", "location": "osaka", "none": ""})
	if err != nil {
		t.Fatal(err)
	}
	at := At(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	with, err := plain.With(map[string]string{"toban_result": `{"reason":"status"}`}, 0, at)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli() // a negative time is one, too
	raw := AppendSample(nil, Sample{Series: with, At: at, Value: 0})
	raw = AppendSample(raw, Sample{Series: plain, At: before, Value: Stale()})
	got, err := Decode(snappy.Encode(nil, raw))
	if err != nil {
		t.Fatal(err)
	}
	labels := []Label{{"__name__", "probe_success"}, {"location", "osaka"}, {"monitor", "shop"}}
	want := []Received{
		{Labels: labels, Points: []Point{{At: at}}, Exemplars: []Exemplar{{Labels: []Label{{"toban_result", `{"reason":"status"}`}}, Point: Point{At: at}}}},
	}
	if diff := cmp.Diff(want, got[:1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got) != 2 || !got[1].Points[0].Stale() || got[1].Points[0].At != before || got[0].Points[0].Stale() {
		t.Errorf("got %+v, want the end of the series behind it", got)
	}
	if got[0].Metric() != "probe_success" || got[0].Label("monitor") != "shop" || got[0].Label("job") != "" {
		t.Errorf("got %q %q, want its labels by name", got[0].Metric(), got[0].Label("monitor"))
	}
	if _, err := plain.With(map[string]string{"x": strings.Repeat("y", MaxExemplar)}, 0, at); !errors.Is(err, ErrSeries) {
		t.Errorf("got %v for an exemplar that is too long, want %v", err, ErrSeries)
	}
}

func TestWhatIsNoRequestIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	series := func(labels ...string) []byte {
		var b []byte
		for i := 0; i < len(labels); i += 2 {
			b = appendLabel(b, labels[i], labels[i+1])
		}
		b = append(b, fieldSample, 2, fieldTimestamp, 1)
		return append(binary.AppendUvarint([]byte{fieldTimeseries}, uint64(len(b))), b...)
	}
	many := []string{"__name__", "x"}
	for i := range maxLabels {
		many = append(many, "l"+strings.Repeat("i", i), "v")
	}
	for name, tc := range map[string]struct {
		packed []byte
		want   error
	}{
		"not packed":            {[]byte("{}"), ErrMalformed},
		"empty":                 {nil, ErrMalformed},
		"cut off":               {snappy.Encode(nil, series("__name__", "x")[:5]), ErrMalformed},
		"no name":               {snappy.Encode(nil, series("monitor", "shop")), ErrMalformed},
		"a label twice":         {snappy.Encode(nil, series("__name__", "x", "a", "1", "a", "2")), ErrMalformed},
		"no UTF-8":              {snappy.Encode(nil, series("__name__", "x", "a", "\xff")), ErrMalformed},
		"a long value":          {snappy.Encode(nil, series("__name__", "x", "a", strings.Repeat("b", maxValue+1))), ErrLarge},
		"many labels":           {snappy.Encode(nil, series(many...)), ErrLarge},
		"large when unpacked":   {snappy.Encode(nil, make([]byte, MaxUnpacked+1)), ErrLarge},
		"large":                 {make([]byte, MaxPacked+1), ErrLarge},
		"a field without place": {snappy.Encode(nil, []byte{0}), ErrMalformed},
	} {
		if got, err := Decode(tc.packed); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %+v %v, want %v", name, got, err, tc.want)
		}
	}
	// What is not known is passed over.
	raw := append(series("__name__", "x", "gone", ""), 3<<3|2, 2, 1, 2)
	if got, err := Decode(snappy.Encode(nil, raw)); err != nil || len(got) != 1 || len(got[0].Labels) != 1 {
		t.Errorf("got %+v %v, want one series with one label", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	s, err := NewSeries("probe_success", map[string]string{"monitor": "shop"})
	if err != nil {
		f.Fatal(err)
	}
	with, err := s.With(map[string]string{"toban_result": "{}"}, 1, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(AppendSample(nil, Sample{Series: s, At: 1, Value: 1}))
	f.Add(AppendSample(nil, Sample{Series: with, At: -1, Value: Stale()}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Decode(snappy.Encode(nil, raw))
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrLarge) {
			t.Fatalf("got %v, want one of its own errors", err)
		}
		for _, r := range got {
			if err == nil && r.Metric() == "" {
				t.Fatalf("got %+v without a name", r)
			}
		}
		_, _ = Decode(raw) // must not panic either
	})
}
